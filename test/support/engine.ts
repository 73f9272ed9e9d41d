/**
 * A throw-away host with the test images in it, for one test file: made before its tests, and after them proved to
 * be as it was after the first container (the bridge and the firewall table serve every container and stay).
 */
import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { createHost, type TestHost } from './host/host.ts';
import type { HostSnapshot } from './host/host-snapshot.ts';
import { installImages, succeed } from './images/image.ts';
import type { RunResult } from './host/processes.ts';

export interface TestEngine {
  readonly host: TestHost;
  /** Whatever the outcome. */
  minidock(...args: readonly string[]): Promise<RunResult>;
  /** Standard output, without its last newline, of what must succeed. */
  ok(...args: readonly string[]): Promise<string>;
  /** `run --rm FLAGS test sh -c SCRIPT`, which must succeed. */
  inside(script: string, ...flags: readonly string[]): Promise<string>;
  /** Nothing is there now that was not there after the first container had gone, and the other way round. */
  expectClean(): Promise<void>;
}

export interface EngineOptions {
  /** Containers a test leaves behind are removed after all tests, instead of after each. */
  readonly keep?: boolean;
  /** What both kinds of firewall share is made beforehand, instead of nftables' only. */
  readonly iptables?: boolean;
  /** What else the host is to have before it is looked at. */
  readonly prepare?: (host: TestHost) => Promise<void>;
}

export function useEngine(options: EngineOptions = {}): TestEngine {
  let made: { host: TestHost; clean: HostSnapshot } | undefined;
  const here = (): { host: TestHost; clean: HostSnapshot } => {
    if (made === undefined) throw new Error('the host is made before the first test, not before');
    return made;
  };
  beforeAll(async () => {
    const host = await createHost();
    made = { host, clean: await host.snapshot() };
    await installImages(host);
    await succeed(host.minidock('run', '--rm', 'test', 'true'));
    if (options.iptables === true) {
      await succeed(host.minidock('run', '--rm', '--firewall', 'iptables', 'test', 'true'));
    }
    await options.prepare?.(host);
    made = { host, clean: await settledSnapshot(host) };
  });
  const removeAll = async (): Promise<void> => {
    const { stdout } = await here().host.minidock('ps', '-aq');
    const left = stdout.split('\n').filter((id) => id !== '');
    if (left.length > 0) await succeed(here().host.minidock('rm', '-f', '-v', ...left));
  };
  afterEach(async () => {
    if (options.keep !== true) await removeAll();
  });
  afterAll(async () => {
    if (made === undefined) return;
    try {
      await removeAll();
      await engine.expectClean();
    } finally {
      await made.host.dispose();
    }
  });
  const engine: TestEngine = {
    get host() {
      return here().host;
    },
    expectClean: () => expectSoon(here().host, here().clean),
    minidock: (...args) => here().host.minidock(...args),
    ok: async (...args) => (await succeed(here().host.minidock(...args))).stdout.replace(/\n$/, ''),
    inside: (script, ...flags) => engine.ok('run', '--rm', ...flags, 'test', 'sh', '-c', script),
  };
  return engine;
}

/** Once the first container's own link and shim have gone. */
function settledSnapshot(host: TestHost): Promise<HostSnapshot> {
  return host.waitFor(async () => {
    const now = await host.snapshot();
    const settled = now.links.length === 3 && now.processes.length === 0 && now.containers.length === 0;
    return settled ? now : undefined;
  }, 'a host with a loopback, an uplink, a bridge and nothing else');
}

/** The host gets to look like that; the kernel takes a namespace's links away a moment after the namespace. */
export async function expectSoon(host: TestHost, before: HostSnapshot): Promise<void> {
  const end = Date.now() + 10_000;
  for (;;) {
    const now = await host.snapshot();
    if (Date.now() > end || JSON.stringify(now) === JSON.stringify(before)) {
      expectSame(before, now);
      return;
    }
  }
}

/** A failure lists what came and what went. */
function expectSame(before: HostSnapshot, after: HostSnapshot): void {
  const [was, is] = [before, after].map((snapshot) =>
    Object.entries(snapshot).flatMap(([part, lines]) =>
      (lines as string[]).map((line) => `${part}: ${line}`),
    ),
  ) as [string[], string[]];
  const without = (lines: string[], others: string[]): string[] => {
    const left = [...others];
    return lines.filter((line) => {
      const at = left.indexOf(line);
      if (at >= 0) left.splice(at, 1);
      return at < 0;
    });
  };
  expect({ came: without(is, was), went: without(was, is) }).toEqual({ came: [], went: [] });
}

/** `key=value` lines as an object, from scripts that look at several things in one container. */
export function readPairs(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    text
      .split('\n')
      .filter((line) => line.includes('='))
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
}
