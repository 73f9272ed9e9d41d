/**
 * What the tests of `minidock why` share: the question with its answer read, containers that serve, and the oracle:
 * a client of the kernel's own kind, whose success or failure the verdict has to agree with.
 */
import { afterEach, expect } from '@jest/globals';
import type { TestEngine } from './engine.ts';
import type { Where } from './host/host.ts';
import { succeed } from './images/image.ts';
import type { Background, RunResult } from './host/processes.ts';
import { askUdp, fetchFrom, serve } from './wired-container.ts';

export interface Answer {
  readonly exitCode: number;
  readonly works: boolean;
  readonly verdict: {
    readonly stage: string;
    readonly code: string;
    readonly text: string;
    readonly fix?: string;
    readonly look?: readonly string[];
  };
  readonly to: { readonly address: string };
  readonly walk: readonly {
    readonly stage: string;
    readonly status: string;
    readonly code: string;
    readonly text: string;
  }[];
  readonly probe: {
    readonly outcome: string;
    readonly trace?: readonly {
      readonly kind: string;
      readonly family: string;
      readonly table: string;
      readonly hook: string;
      readonly packet: { readonly iif: string; readonly oif: string };
    }[];
  } | null;
}

export interface Why {
  ask(...words: readonly string[]): Promise<Answer>;
  /** A script of bash in the host. */
  sh(script: string): Promise<string>;
  /** One command in a container's network namespace, with the host's programs. */
  inside(name: string, command: string): Promise<string>;
  /** A web server on port 80, or where `listen` says. */
  web(name: string, flags: readonly string[], listen?: string): Promise<void>;
  /** 'tcp:80', 'udp:53', ...; ends with the test. */
  serveAt(where: Where, ...places: readonly string[]): Promise<void>;
  /** The same inside a container. */
  serveIn(name: string, ...places: readonly string[]): Promise<void>;
  /** Whether a real client gets an answer: from `outside`, from the `host`, or from a container. */
  reaches(from: string, protocol: 'tcp' | 'udp', address: string, port: number): Promise<boolean>;
  /** A script and its opposite, which is run after the test. */
  change(script: string, opposite: string): Promise<void>;
  undoLast(): Promise<void>;
  /** Rules in a table of their own, for the length of the test. */
  table(family: string, body: string): Promise<void>;
  addressOf(name: string): Promise<string>;
}

export function useWhy(engine: TestEngine): Why {
  const servers: Background[] = [];
  const undo: string[] = [];
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.kill();
      await server.exited;
    }
    while (undo.length > 0) await undoLast();
  });
  const sh = async (script: string): Promise<string> =>
    (await succeed(engine.host.run(['bash', '-ec', script]))).stdout;
  const undoLast = async (): Promise<void> => void (await sh(undo.pop() ?? ''));
  const change: Why['change'] = async (script, opposite) => {
    undo.push(opposite);
    await sh(script);
  };
  const enter = async (name: string): Promise<readonly string[]> => [
    ...['nsenter', '-t', await engine.ok('inspect', '-f', '{{.State.Pid}}', name), '-n'],
  ];
  const inside = async (name: string, command: string): Promise<string> =>
    sh(`${(await enter(name)).join(' ')} ${command}`);
  return {
    sh,
    inside,
    change,
    undoLast,
    table: (family, body) =>
      change(`nft 'table ${family} strict { ${body}; }'`, `nft delete table ${family} strict`),
    addressOf: (name) => engine.ok('inspect', '-f', '{{.NetworkSettings.IPAddress}}', name),
    ask: async (...words) => {
      const { stdout, stderr, exitCode } = await engine.host.minidock('why', ...words, '--json');
      expect(stderr).toBe('');
      return { ...(JSON.parse(stdout) as Answer), exitCode };
    },
    web: async (name, flags, listen = '80') => {
      await engine.ok(
        ...['run', '-d', '--name', name, ...flags, 'test', 'httpd', '-f', '-p', listen, '-h', '/www'],
      );
      const port = listen.split(':').at(-1) ?? '';
      await engine.host.waitFor(
        async () => (await inside(name, 'ss -Hltn')).includes(`:${port} `),
        `${name} to listen`,
      );
    },
    serveAt: async (where, ...places) =>
      void servers.push(await serve(engine.host, where, 'server', ...places)),
    serveIn: async (name, ...places) => {
      const prefix = await enter(name);
      const spawn: typeof engine.host.spawn = (argv) => engine.host.spawn([...prefix, ...argv]);
      servers.push(await serve({ ...engine.host, spawn }, 'host', 'server', ...places));
    },
    reaches: async (from, protocol, address, port) => {
      const prefix = from === 'outside' || from === 'host' ? [] : await enter(from);
      const run = (argv: readonly string[]): Promise<RunResult> =>
        from === 'outside' ? engine.host.outside(argv) : engine.host.run([...prefix, ...argv]);
      if (protocol === 'udp') return (await askUdp(run, address, port)) !== '';
      return (await fetchFrom(run, `${address}:${port}`)) !== '';
    },
  };
}

export function expectStop(answer: Answer, stage: string, code: string): void {
  expect({ ...answer.verdict, exitCode: answer.exitCode }).toMatchObject({ stage, code, exitCode: 1 });
  expect(answer.verdict.fix).toBeTruthy();
}

/** A failure prints all that was seen of it. */
export function expectWorks(answer: Answer): void {
  const { exitCode, verdict, probe } = answer;
  const seen = verdict.code === 'works' ? {} : { verdict, probe };
  expect({ exitCode, code: verdict.code, ...seen }).toEqual({ exitCode: 0, code: 'works' });
}
