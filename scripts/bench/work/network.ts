/** Requests through a published port, from this host and from outside, and one stream from container to container. */
import { HOST_ADDRESS } from '../../../test/support/host/host.ts';
import { byTurns, ofEach, program, type Bench } from '../bench.ts';
import type { Engine } from '../engine.ts';
import type { Row } from '../row.ts';
import { installLarge, LARGE } from './pull.ts';

const PORT = 8080;
const ADDRESS = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
/** Below what Docker needs for its own, above what anything else here listens on. */
const FIRST_OF_MANY = 20_000;

export async function network(bench: Bench): Promise<readonly Row[]> {
  if (!program('wrk')) {
    bench.say('network: wrk is not here');
    return [];
  }
  await installLarge(bench);
  const { scale, engines, minidock } = bench;
  const run = (engine: Engine, ...args: readonly string[]) => engine.time(['run', '-d', ...args]);
  for (const engine of engines) {
    await run(engine, '--name', 'web', '-p', `${PORT}:80`, LARGE);
    await run(engine, '--name', 'iperf', LARGE, 'iperf3', '--server');
    await run(engine, '--name', 'client', LARGE, 'sleep', '3600');
  }
  const addresses = Object.fromEntries(
    await Promise.all(engines.map(async (engine) => [engine.name, await addressOf(engine, 'web')] as const)),
  );
  const direct = addresses['minidock'] ?? '';
  const rate = (engine: Engine, url: string, where?: 'outside') =>
    requests(engine, url, scale.seconds, where);
  const local = await byTurns(scale.networkRounds, {
    ...ofEach(engines, (engine) => rate(engine, `http://127.0.0.1:${PORT}/`)),
    'container address': () => rate(minidock, `http://${direct}/`),
  });
  const outside = await byTurns(scale.networkRounds, {
    ...ofEach(engines, (engine) => rate(engine, `http://${HOST_ADDRESS}:${PORT}/`, 'outside')),
  });
  const ports = `${FIRST_OF_MANY}-${FIRST_OF_MANY + scale.ports - 1}`;
  const published = ['run', '-d', '--name', 'ports', '-p', `${ports}:${ports}`, LARGE, 'sleep', '3600'];
  const crowded = await byTurns(scale.networkRounds, {
    minidock: async () => {
      await minidock.time(published);
      const found = await rate(minidock, `http://127.0.0.1:${PORT}/`);
      await minidock.time([...minidock.remove, 'ports']);
      return found;
    },
    'one port': () => rate(minidock, `http://127.0.0.1:${PORT}/`),
  });
  const stream = await byTurns(
    scale.networkRounds,
    ofEach(engines, (engine) => gigabits(engine, scale.seconds)),
  );
  for (const engine of engines) await engine.time([...engine.remove, 'web', 'iperf', 'client']);
  const row = { unit: 'per s', better: 'higher' } as const;
  const asDocker = { factor: 1, against: ['docker'] };
  return [
    {
      ...row,
      id: 'http-local',
      title: 'requests, published port, from localhost',
      samples: local,
      targets: [{ factor: 0.9, against: ['container address'] }, asDocker],
    },
    {
      ...row,
      id: 'http-outside',
      title: 'requests, published port, from outside',
      samples: outside,
      targets: [asDocker],
    },
    {
      ...row,
      id: 'http-ports',
      title: `the same with ${scale.ports.toLocaleString('en-US')} ports published`,
      samples: crowded,
      targets: [{ factor: 0.95, against: ['one port'] }],
    },
    {
      id: 'stream',
      title: 'container to container, one TCP stream',
      unit: 'Gbit/s',
      better: 'higher',
      samples: stream,
      targets: [asDocker],
    },
  ];
}

async function addressOf(engine: Engine, name: string): Promise<string> {
  return (await engine.time(['inspect', '-f', ADDRESS, name])).output.trim();
}

/** wrk's own count; whatever was not answered with 200 makes it fail. */
async function requests(engine: Engine, url: string, seconds: number, where?: 'outside'): Promise<number> {
  const argv = ['wrk', '--threads', '1', '--connections', '32', '--duration', `${seconds}s`, url];
  const options = { timeout: seconds * 1000 + 30_000 };
  const running = where === 'outside' ? engine.host.outside(argv, options) : engine.host.run(argv, options);
  const { stdout, stderr } = await running;
  const found = /^Requests\/sec:\s+([\d.]+)/m.exec(stdout)?.[1];
  if (found === undefined || /Non-2xx|Socket errors: connect [1-9]/.test(stdout)) {
    throw new Error(`${engine.name}: ${argv.join(' ')}: ${stderr}${stdout}`);
  }
  return Number(found);
}

async function gigabits(engine: Engine, seconds: number): Promise<number> {
  const address = await addressOf(engine, 'iperf');
  const client = ['exec', 'client', 'iperf3', '--client', address, '--time', String(seconds), '--json'];
  const { output } = await engine.time(client);
  const result = JSON.parse(output) as { end: { sum_received: { bits_per_second: number } } };
  return result.end.sum_received.bits_per_second / 1e9;
}
