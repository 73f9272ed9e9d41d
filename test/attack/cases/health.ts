/** Health checks: what an image says about them, and what its program does, meets a process of the host each time. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AttackCase, Stage } from '../case.ts';

const SECOND = 1e9;
const check = (more: object): NonNullable<Parameters<Stage['image']>[0]['config']> => ({
  Healthcheck: { Test: ['CMD-SHELL', 'true'], Interval: SECOND / 4, ...more },
});

/** Of a container of the image, which runs until `until` holds of its recorded health. */
async function whileChecked<T>(
  stage: Stage,
  more: object,
  look: (id: string, probes: number) => T | undefined,
): Promise<T> {
  const image = await stage.image({ files: {}, config: check(more) });
  const started = await stage.minidock('run', '-d', '--name', 'checked', image, '/bin/sleep', '600');
  if (started.exitCode !== 0) throw new Error(started.stderr);
  const id = started.stdout.trim();
  try {
    const probes = async (): Promise<number> =>
      Number((await stage.minidock('inspect', '-f', '{{len .State.Health.Log}}', id)).stdout);
    const found = await stage.host.waitFor(async () => {
      const seen = look(id, await probes());
      return seen === undefined ? undefined : { seen };
    }, 'the health to be checked');
    return found.seen;
  } finally {
    await stage.minidock('rm', '-f', 'checked');
  }
}

const WORDS: readonly object[] = [
  { Interval: 1e300 },
  { Timeout: 1e300 },
  { StartPeriod: -1e300 },
  { Retries: 2 ** 60 },
  { Timeout: 2 ** 60 },
  { Test: ['CMD', '/bin/true', 'a\0b'] },
];

/** Also of what else an image asks for. */
const CONFIGS = [...WORDS.map(check), { Volumes: { '/a\0b': {} } }];

async function unreadableRecord(stage: Stage): Promise<string | undefined> {
  for (const config of CONFIGS) {
    try {
      const image = await stage.image({ files: {}, config });
      await stage.minidock('create', image, '/bin/true');
    } catch (error) {
      if (!String(error).includes('could not be loaded')) throw error;
    }
    const { stderr } = await stage.minidock('ps', '-a');
    if (stderr.includes('damaged')) return `${JSON.stringify(config)}: ${stderr}`;
  }
  return undefined;
}

const MARK = '98765';
/** Ignores what ends others, leaves its session, and has children that do so too. */
const STAYS = `trap '' TERM INT HUP; (setsid sh -c 'trap "" TERM; while :; do sleep ${MARK}; done' &); (setsid sleep ${MARK} &)`;

const running = (words: string): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').includes(words);
      } catch {
        return false; // It has ended.
      }
    });

export const healthCases: readonly AttackCase[] = [
  {
    name: 'health-words-of-an-image',
    story:
      'The check, or a VOLUME, has numbers that are too large or zero bytes, which nobody can read back.',
    short: true,
    attack: unreadableRecord,
  },
  {
    name: 'health-floods-events',
    story: 'The check’s command has two million letters, of which the event log keeps each probe.',
    attack: async (stage) => {
      const Test = ['CMD', '/bin/true', 'A'.repeat(2_000_000)];
      await whileChecked(stage, { Test }, (_, probes) => (probes >= 2 ? true : undefined));
      const dir = join(stage.host.runDir, 'events');
      const size = readdirSync(dir).reduce((sum, name) => sum + statSync(join(dir, name)).size, 0);
      return size > 1 << 20 ? `the event log has ${String(size)} bytes` : undefined;
    },
  },
  {
    name: 'health-endless-output',
    story: 'The check prints without end, and control characters.',
    guard: true,
    attack: async (stage) => {
      const Test = ['CMD-SHELL', 'while :; do printf "\\033]0;own\\007%04000d" 1; done'];
      const size = await whileChecked(stage, { Test, Timeout: SECOND }, (id, probes) =>
        probes < 2 ? undefined : statSync(join(stage.host.root, 'containers', id, 'health.json')).size,
      );
      return size > 100_000 ? `the record of its health has ${String(size)} bytes` : undefined;
    },
  },
  {
    name: 'health-outlives-its-container',
    story: 'The check ignores signals and leaves processes behind that left its session.',
    guard: true,
    attack: async (stage) => {
      const Test = ['CMD-SHELL', STAYS];
      await whileChecked(stage, { Test, Timeout: SECOND }, (_, probes) =>
        probes >= 2 && running(`sleep ${MARK}`).length > 0 ? true : undefined,
      );
      const left = running(`sleep ${MARK}`);
      return left.length > 0
        ? `${String(left.length)} processes of the check outlive the container`
        : undefined;
    },
  },
];
