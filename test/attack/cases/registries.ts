/** What a registry answers leads a push or a pull to a service of the victim's own machine, which trusts its neighbours. */
import { INTERNET_ADDRESS } from '../../support/host/host.ts';
import type { AttackCase, Stage } from '../case.ts';

const PORT = 5000;
const SERVICE = 7654;

/** Whatever is asked for is at the service; only an upload begins in the registry. */
const REGISTRY = `
require('node:http').createServer((request, response) => {
  const { TARGET: target } = process.env;
  request.resume();
  const upload = request.method === 'POST';
  if (request.url === '/v2/') response.writeHead(200);
  else if (request.method === 'HEAD' && request.url.includes('/blobs/')) response.writeHead(404);
  else response.writeHead(upload ? 202 : 307, { location: target + '/asked' });
  response.end();
}).listen(${String(PORT)}, '0.0.0.0', () => console.log('listening'));`;

const LOCAL_SERVICE = `
require('node:http').createServer((request, response) => {
  console.log('ASKED ' + request.method);
  request.resume();
  response.writeHead(201);
  response.end('secret');
}).listen(${String(SERVICE)}, '::', () => console.log('listening'));`;

async function ask(stage: Stage, target: string, words: readonly string[]): Promise<string | undefined> {
  const bun = ['env', 'BUN_BE_BUN=1', `TARGET=${target}`, process.execPath, '-e'];
  const service = stage.host.spawn([...bun, LOCAL_SERVICE]);
  const registry = stage.host.spawn([...bun, REGISTRY], 'outside');
  try {
    await Promise.all([service, registry].map((server) => server.waitForOutput(/listening/)));
    const env = { MINIDOCK_INSECURE_REGISTRIES: `${INTERNET_ADDRESS}:${String(PORT)}` };
    const { exitCode, stderr } = await stage.run([stage.binary, ...words], { env });
    const asked = /ASKED (\w+)/.exec(service.output())?.[1];
    if (asked !== undefined) return `the registry made minidock send ${asked} ${target} to this machine`;
    if (exitCode === 0 || !stderr.includes('which is this machine')) throw new Error(stderr);
    return undefined;
  } finally {
    for (const server of [service, registry]) server.kill();
    await Promise.all([service.exited, registry.exited]);
  }
}

const TARGETS = ['127.0.0.1', '0.0.0.0', '[::1]', '[::]', '[::ffff:127.0.0.1]', 'localhost'];

export const registryCases: readonly AttackCase[] = (['push', 'pull'] as const).map((verb) => ({
  name: `registry-leads-${verb}-to-this-machine`,
  story: `A registry answers a ${verb} with an address on loopback, and minidock asks a service of the host there.`,
  attack: async (stage) => {
    const name = `${INTERNET_ADDRESS}:${String(PORT)}/victim/image:1`;
    if (verb === 'push') {
      const { exitCode, stderr } = await stage.minidock('tag', await stage.image({ files: {} }), name);
      if (exitCode !== 0) throw new Error(stderr);
    }
    for (const target of TARGETS) {
      const found = await ask(stage, `http://${target}:${String(SERVICE)}`, [verb, name]);
      if (found !== undefined) return found;
    }
    return undefined;
  },
}));
