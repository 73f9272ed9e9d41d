/**
 * Names on a network of the user's: how many lookups a second the engine's resolver answers, and how much later an
 * answer comes through it than from the upstream server itself. dnsperf asks from the container's network namespace;
 * the upstream server is a dnsmasq in the host's, at an address that no container has.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { HOST_ADDRESS } from '../../../test/support/host/host.ts';
import { byTurns, program, type Bench } from '../bench.ts';
import { readDnsperf, type Lookups } from '../dnsperf.ts';
import type { Engine } from '../engine.ts';
import { RIVALS, type Row } from '../row.ts';

const NETWORK = 'names';
const ASKER = 'asker';
const ASKED = 'asked';
const FOREIGN = 'upstream.test';
/** Of one figure; dnsperf keeps a hundred on their way. */
const SECONDS = 1;
/** Lookups a second that no resolver has to queue: for latency. */
const CALM = 500;

interface Client {
  readonly engine: Engine;
  /** Where the container's resolv.conf points. */
  readonly resolver: string;
  readonly pid: string;
}

export async function dns(bench: Bench): Promise<readonly Row[]> {
  const missing = ['dnsperf', 'dnsmasq'].filter((name) => !program(name));
  if (missing.length > 0) {
    bench.say(`dns: ${missing.join(' and ')} not installed`);
    return [];
  }
  const clients: Client[] = [];
  const stops: (() => Promise<void>)[] = [];
  for (const engine of bench.engines) {
    stops.push(startUpstream(engine));
    clients.push(await startClient(engine));
  }
  const able: Client[] = [];
  for (const client of clients) if (await answers(bench, client)) able.push(client);
  // That of minidock, which is first and always answers.
  const [client] = able;
  if (client === undefined) throw new Error('dns: nobody answers');
  const rounds = bench.scale.dnsRounds;
  const ofAll = (take: (client: Client) => Promise<number>) =>
    Object.fromEntries(able.map((client) => [client.engine.name, () => take(client)]));
  const own = await byTurns(
    rounds,
    ofAll((asker) => rate(asker, ASKED)),
  );
  const foreign = await byTurns(rounds, {
    ...ofAll((asker) => rate(asker, FOREIGN)),
    'upstream itself': () => rate(past(client), FOREIGN),
  });
  const added = await byTurns(
    rounds,
    ofAll(async (asker) => (await latency(asker, FOREIGN)) - (await latency(past(asker), FOREIGN))),
  );
  for (const { engine } of clients) {
    await engine.time([...engine.remove, ASKER, ASKED]);
    await engine.time(['network', 'rm', NETWORK]);
  }
  for (const stop of stops) await stop();
  const often = { unit: 'per s', better: 'higher', targets: [{ factor: 2, against: RIVALS }] } as const;
  return [
    { ...often, id: 'dns-own', title: "DNS lookups of a container's name", samples: own },
    { ...often, id: 'dns-upstream', title: 'DNS lookups forwarded to an upstream', samples: foreign },
    {
      id: 'dns-latency',
      title: 'latency added to a forwarded lookup',
      unit: 'ms',
      better: 'lower',
      samples: added,
      targets: [{ factor: 0.5, against: RIVALS }],
    },
  ];
}

function startUpstream({ host }: Engine): () => Promise<void> {
  const dnsmasq = host.spawn([
    ...['dnsmasq', '--keep-in-foreground', '--conf-file=/dev/null', '--pid-file=', '--user=root'],
    ...['--no-resolv', '--no-hosts', '--bind-interfaces', '--except-interface=lo'],
    ...[`--listen-address=${HOST_ADDRESS}`, `--address=/${FOREIGN}/192.0.2.99`],
  ]);
  return async () => {
    dnsmasq.kill('SIGTERM');
    await dnsmasq.exited;
  };
}

async function startClient(engine: Engine): Promise<Client> {
  const sleep = ['bench', 'sleep', '3600'];
  await engine.time(['network', 'create', NETWORK]);
  await engine.time(['run', '-d', '--name', ASKED, '--network', NETWORK, ...sleep]);
  await engine.time([
    ...['run', '-d', '--name', ASKER, '--network', NETWORK, '--dns', HOST_ADDRESS, ...sleep],
  ]);
  for (const name of [ASKED, FOREIGN]) writeFileSync(questions(engine, name), `${name} A\n`);
  const { output } = await engine.time(['exec', ASKER, 'cat', '/etc/resolv.conf']);
  const resolver = /^nameserver (\S+)/m.exec(output)?.[1];
  if (resolver === undefined) throw new Error(`${engine.name}: no name server in ${output}`);
  const pid = (await engine.time(['inspect', '-f', '{{.State.Pid}}', ASKER])).output.trim();
  return { engine, resolver, pid };
}

/** The same container, asking the upstream server without the engine's resolver. */
const past = (client: Client): Client => ({ ...client, resolver: HOST_ADDRESS });

const questions = ({ host }: Engine, name: string): string => join(host.dir, `questions-${name}`);

/** Podman answers only where aardvark-dns is installed: a rival that does not answer has no figure. */
async function answers(bench: Bench, client: Client): Promise<boolean> {
  const { engine } = client;
  const all = async (): Promise<boolean> => {
    const found = [await ask(client, FOREIGN, ['-n', '1']), await ask(client, ASKED, ['-n', '1'])];
    return found.every(({ good }) => good === 1);
  };
  try {
    // The upstream server may not listen yet.
    await engine.host.waitFor(all, `${engine.name} to answer DNS queries`, 10_000);
    return true;
  } catch (error) {
    if (engine === bench.minidock) throw error;
    bench.say(`dns: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

async function rate(client: Client, name: string): Promise<number> {
  await ask(client, name, ['-n', '10']);
  const { good, seconds } = await ask(client, name, ['-l', String(SECONDS)]);
  return good / seconds;
}

/** Milliseconds of one lookup, the median: a mean would be that of what else the machine does. */
async function latency(client: Client, name: string): Promise<number> {
  // A resolver that ends when nobody asks is awake before the first one that counts.
  await ask(client, name, ['-n', '10']);
  // Not by `-q 1`: with one query on its way dnsperf sleeps between two, for a tenth of a second now and then.
  const { median } = await ask(client, name, ['-l', String(SECONDS), '-Q', String(CALM)]);
  if (median === undefined) throw new Error(`${client.engine.name}: no answer to a lookup of ${name}`);
  return median * 1000;
}

async function ask(
  { engine, resolver, pid }: Client,
  name: string,
  how: readonly string[],
): Promise<Lookups> {
  const { output } = await engine.timeProgram([
    ...['nsenter', `--target=${pid}`, '--net', '--'],
    ...['dnsperf', '-W', '-t', '2', '-s', resolver, '-d', questions(engine, name)],
    ...['-O', 'latency-histogram', ...how],
  ]);
  return readDnsperf(output);
}
