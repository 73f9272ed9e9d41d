/**
 * The mutants of test/mutation, one after the other: made, built, judged, undone, with a line for each and a table of
 * the layers at the end. Before the first mutant of a pattern its tests must pass without one: a test that fails
 * anyhow kills nothing.
 */
import { resolve } from 'node:path';
import { allMutants } from '../../test/mutation/mutants/index.ts';
import type { Layer, Mutant } from '../../test/mutation/mutant.ts';
import { copyCheckout, type Copy } from './copy.ts';
import { judge, type Verdict } from './judge.ts';

interface Options {
  /** Of each layer at most so many, spread over its list. */
  readonly sample: number;
  readonly layer: string | undefined;
  readonly match: string | undefined;
  readonly baseline: boolean;
}

interface Outcome {
  readonly layer: Layer;
  readonly mutant: Mutant;
  readonly verdict: Verdict;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function main(options: Options): number {
  const copy = copyCheckout(resolve(import.meta.dirname, '../..'));
  // Ctrl-C reaches the tests as well; what they had begun they end by themselves.
  process.on('SIGINT', () => {
    copy.remove();
    process.exit(130);
  });
  try {
    const outcomes = chosen(options).map(([layer, mutant]) => {
      const verdict = tryOne(copy, mutant, options.baseline);
      say(`${verdict.kind.padEnd(9)} ${layer.padEnd(12)} ${mutant.file}: ${describe(mutant, verdict)}`);
      return { layer, mutant, verdict };
    });
    return summary(outcomes);
  } finally {
    copy.remove();
  }
}

function chosen({ sample, layer, match }: Options): readonly (readonly [Layer, Mutant])[] {
  return Object.entries(allMutants).flatMap(([name, mutants]) => {
    if (layer !== undefined && layer !== name) return [];
    const fitting = mutants.filter(
      ({ file, text }) => match === undefined || `${file} ${text}`.includes(match),
    );
    const every = Math.max(1, fitting.length / sample);
    const picked = fitting.filter((_, index) => Math.floor(index % every) === 0).slice(0, sample);
    return picked.map((mutant) => [name as Layer, mutant] as const);
  });
}

const sound = new Map<string, Verdict>();

function tryOne(copy: Copy, { file, text, becomes, tests }: Mutant, baseline: boolean): Verdict {
  if (baseline) {
    const before = sound.get(tests) ?? judge(copy.dir, tests);
    sound.set(tests, before);
    if (before.kind === 'killed')
      return { kind: 'invalid', why: `${tests} fails without a mutant: ${before.by}` };
    if (before.kind === 'invalid') return before;
  }
  const restore = copy.change(file, text, becomes);
  try {
    return judge(copy.dir, tests);
  } finally {
    restore();
  }
}

function describe({ text, becomes, survives }: Mutant, verdict: Verdict): string {
  const short = (words: string): string => JSON.stringify(words.replace(/\s+/g, ' ').trim().slice(0, 70));
  const change = `${short(text)} becomes ${short(becomes)}`;
  if (verdict.kind === 'killed') return `${change} (${verdict.by})`;
  if (verdict.kind === 'invalid') return `${change}: ${verdict.why}`;
  return survives === undefined ? change : `${change}, as it must: ${survives}`;
}

function summary(outcomes: readonly Outcome[]): number {
  const count = (of: readonly Outcome[], kind: Verdict['kind']): number =>
    of.filter(({ verdict }) => verdict.kind === kind).length;
  const explained = outcomes.filter(
    ({ verdict, mutant }) => verdict.kind === 'survived' && mutant.survives !== undefined,
  );
  for (const layer of new Set(outcomes.map((outcome) => outcome.layer))) {
    const own = outcomes.filter((outcome) => outcome.layer === layer);
    say(
      `${layer.padEnd(14)}${String(count(own, 'killed')).padStart(4)} of ${String(own.length).padStart(3)} killed`,
    );
  }
  const [killed, survived, invalid] = [
    count(outcomes, 'killed'),
    count(outcomes, 'survived') - explained.length,
    count(outcomes, 'invalid'),
  ];
  const share = killed + survived === 0 ? 0 : (100 * killed) / (killed + survived);
  say(
    `${String(killed)} killed, ${String(survived)} survived, ${String(explained.length)} survived as they must, ` +
      `${String(invalid)} invalid: ${share.toFixed(1)} % of those that can be killed`,
  );
  return survived + invalid === 0 ? 0 : 1;
}

function readOptions(words: readonly string[]): Options {
  const value = (flag: string): string | undefined => {
    const at = words.indexOf(flag);
    return at < 0 ? undefined : words[at + 1];
  };
  return {
    sample: Number(value('--sample') ?? Infinity),
    layer: value('--layer'),
    match: value('--match'),
    baseline: !words.includes('--no-baseline'),
  };
}

process.exit(main(readOptions(process.argv.slice(2))));
