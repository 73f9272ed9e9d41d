/** The command line of the benchmark, and how much of everything it asks for. */

export interface Options {
  readonly scale: Scale;
  /** Of which kinds of growth there is to be a table. */
  readonly growth: readonly string[];
  /** Without Docker and Podman, also where they are installed. */
  readonly alone: boolean;
  /** Another build of minidock, to measure beside this one. */
  readonly against: string | undefined;
  /** Names of works to run. */
  readonly only: readonly string[];
  readonly out: string;
}

/** Counts, all bounded: the whole ends in minutes, also on a slow machine. */
export interface Scale {
  readonly name: 'full' | 'quick';
  readonly rounds: number;
  /** Of what takes seconds each time. */
  readonly slowRounds: number;
  /** Of `seconds` each: request rates vary a lot from one to the next. */
  readonly networkRounds: number;
  /** Of a second each. */
  readonly dnsRounds: number;
  readonly many: number;
  readonly atOnce: number;
  readonly logLines: number;
  readonly seconds: number;
  readonly ports: number;
  /** Of the folder that `cp` copies; always the same number of files. */
  readonly folderMegabytes: number;
  /** Containers that `stats` and `events` look at. */
  readonly watched: number;
  /** Works that run only when they are named: those with many containers, a large image or much data. */
  readonly skipped: readonly string[];
}

const FULL: Scale = {
  name: 'full',
  rounds: 15,
  slowRounds: 3,
  networkRounds: 7,
  dnsRounds: 5,
  many: 200,
  atOnce: 50,
  logLines: 5_000_000,
  seconds: 2,
  ports: 4000,
  folderMegabytes: 500,
  watched: 100,
  skipped: [],
};

const QUICK: Scale = {
  name: 'quick',
  rounds: 5,
  slowRounds: 1,
  networkRounds: 1,
  dnsRounds: 1,
  many: 40,
  atOnce: 20,
  logLines: 200_000,
  seconds: 1,
  ports: 400,
  folderMegabytes: 50,
  watched: 20,
  skipped: ['many', 'pull', 'network', 'dns', 'copy', 'commit', 'build', 'build-debian', 'watch'],
};

export function parseOptions(
  words: readonly string[],
  works: readonly string[],
  growths: readonly string[],
): Options {
  let scale = FULL;
  let growth: readonly string[] = [];
  let alone = false;
  let against: string | undefined;
  let only: readonly string[] | undefined;
  let out = '.cache/bench';
  const left = [...words];
  const valueOf = (flag: string): string => {
    const value = left.shift();
    if (value === undefined) throw new Error(`${flag} needs a value`);
    return value;
  };
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word === '--quick') scale = QUICK;
    else if (word === '--growth') growth = growths;
    else if (word.startsWith('--growth=')) growth = namesIn(word.slice('--growth='.length), growths);
    else if (word === '--alone') alone = true;
    else if (word === '--against') against = valueOf(word);
    else if (word === '--out') out = valueOf(word);
    else if (word === '--only') only = namesIn(valueOf(word), works);
    else
      throw new Error(
        `unknown: ${word}. There are --quick, --growth[=WHAT,…], --alone, --against FILE, --only WORK,… and --out DIRECTORY`,
      );
  }
  const { skipped } = scale;
  return {
    scale,
    growth,
    alone,
    against,
    only: only ?? works.filter((name) => !skipped.includes(name)),
    out,
  };
}

/** 'none' is none of them. */
function namesIn(list: string, known: readonly string[]): readonly string[] {
  if (list === 'none') return [];
  const names = list.split(',');
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return names;
  throw new Error(`no such thing: ${unknown.join(', ')}. There are ${known.join(', ')}, or none`);
}
