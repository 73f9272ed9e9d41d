/** Sends forged frames in a throw-away host, and listens for what becomes of them. */
import { driver } from '../bun.ts';
import type { TestHost, Where } from './host.ts';

/** Puts frames (hexadecimal) on the wire, in order. */
export async function sendFrames(
  host: TestHost,
  where: Where,
  interfaceName: string,
  frames: readonly string[],
): Promise<void> {
  const { exitCode, stderr } = await runIn(host, where, driver('frame-driver.ts', interfaceName, ...frames));
  if (exitCode !== 0) throw new Error(`no frame was sent: ${stderr}`);
}

/** The hardware address of an interface. */
export async function macOf(host: TestHost, where: Where, interfaceName: string): Promise<string> {
  const { stdout } = await runIn(host, where, ['ip', '-j', 'link', 'show', 'dev', interfaceName]);
  return (JSON.parse(stdout) as { address: string }[])[0]?.address ?? '';
}

const runIn = (host: TestHost, where: Where, argv: readonly string[]): ReturnType<TestHost['run']> =>
  where === 'host'
    ? host.run(argv)
    : where === 'outside'
      ? host.outside(argv)
      : host.inNetns(where.netns, argv);

export interface Listener {
  /** Resolves once a datagram with this text has come. */
  heard(text: string): Promise<void>;
  /** Every datagram so far: `TEXT from ADDRESS`. */
  all(): readonly string[];
  close(): Promise<void>;
}

/** Hears UDP datagrams. */
export async function listen(
  host: TestHost,
  where: Where,
  port: number,
  address = '0.0.0.0',
): Promise<Listener> {
  const listener = host.spawn(
    ['env', `PORT=${port}`, `ADDRESS=${address}`, 'BUN_BE_BUN=1', process.execPath, '-e', LISTENER],
    where,
  );
  await listener.waitForOutput(/listening/);
  const all = (): readonly string[] =>
    listener
      .output()
      .split('\n')
      .flatMap((line) => /^heard (.*)$/.exec(line)?.[1] ?? []);
  return {
    all,
    close: async () => {
      listener.kill();
      await listener.exited;
    },
    heard: async (text) => {
      await host.waitFor(
        () => all().some((line) => line.startsWith(`${text} from `)),
        `"${text}" to be heard`,
      );
    },
  };
}

/** For Node and for Bun, which differ in what they count among the arguments of `-e`. */
const LISTENER = `
const { PORT: port, ADDRESS: address } = process.env;
const socket = require('node:dgram').createSocket({ type: address.includes(':') ? 'udp6' : 'udp4', ipv6Only: address.includes(':') });
socket.on('message', (text, from) => console.log('heard ' + text + ' from ' + from.address));
socket.bind(Number(port), address, () => console.log('listening'));
`;
