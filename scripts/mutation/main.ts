/**
 * The mutants of test/mutation, one after the other: made, built, judged, undone, with a line for each and a table of
 * the layers at the end.
 */
import { resolve } from 'node:path';
import { allMutants } from '../../test/mutation/mutants/index.ts';
import type { Layer, Mutant } from '../../test/mutation/mutant.ts';
import { copyCheckout, type Copy } from './copy.ts';
import { judge, KINDS, type Verdict } from './judge.ts';
import { summarize, verdictsIn, type Outcome, type Verdicts } from './verdicts.ts';

interface Options {
  /** Of each layer at most so many, spread over its list. */
  readonly sample: number;
  readonly layers: readonly string[] | undefined;
  readonly match: string | undefined;
  /** The file of verdicts that are kept. */
  readonly verdicts: string | undefined;
  /** Prints what the file of verdicts has, runs nothing. */
  readonly print: boolean;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);

function main(options: Options): number {
  const verdicts = verdictsIn(options.verdicts);
  if (!options.print) runAll(options, verdicts);
  const outcomes = chosen(options).flatMap(([layer, mutant]): Outcome[] => {
    const verdict = verdicts.of(mutant);
    return verdict === undefined ? [] : [{ layer, mutant, verdict }];
  });
  if (options.print) for (const outcome of outcomes) sayOutcome(outcome);
  const { lines, held } = summarize(outcomes);
  for (const line of lines) say(line);
  return held ? 0 : 1;
}

/** Only what was killed, or survived with a reason, needs no second look: a test may have been sharpened since. */
function isSettled({ survives }: Mutant, verdict: Verdict | undefined): boolean {
  return verdict?.kind === 'killed' || (verdict?.kind === 'survived' && survives !== undefined);
}

function runAll(options: Options, verdicts: Verdicts): void {
  const root = resolve(import.meta.dirname, '../..');
  const copy = copyCheckout(root);
  const sound = copyCheckout(root);
  const remove = (): void => {
    copy.remove();
    sound.remove();
  };
  // Ctrl-C reaches the tests as well; what they had begun they end by themselves.
  process.on('SIGINT', () => {
    remove();
    process.exit(130);
  });
  try {
    const queue = [...chosen(options)].sort(([, one], [, two]) => costOf(one) - costOf(two));
    for (const [layer, mutant] of queue) {
      if (isSettled(mutant, verdicts.of(mutant))) continue;
      const outcome = { layer, mutant, verdict: tryOne(copy, sound, mutant) };
      verdicts.keep(outcome);
      sayOutcome(outcome);
    }
  } finally {
    remove();
  }
}

function chosen({ sample, layers, match }: Options): readonly (readonly [Layer, Mutant])[] {
  return Object.entries(allMutants).flatMap(([name, mutants]) => {
    if (layers?.includes(name) === false) return [];
    const fitting = mutants.filter(
      ({ file, text }) => match === undefined || `${file} ${text}`.includes(match),
    );
    const every = Math.max(1, fitting.length / sample);
    const picked = fitting.filter((_, index) => Math.floor(index % every) === 0).slice(0, sample);
    return picked.map((mutant) => [name as Layer, mutant] as const);
  });
}

/** What unit tests notice is soon told; containers take a build and a host; what survives takes all its tests. */
const costOf = ({ tests, survives }: Mutant): number =>
  KINDS.reduce(
    (sum, kind, index) => sum + (tests.includes(kind) ? index : 0),
    survives === undefined ? 0 : 10,
  );

function tryOne(copy: Copy, sound: Copy, mutant: Mutant): Verdict {
  const restore = copy.change(mutant.file, mutant.text, mutant.becomes);
  try {
    return judge(copy.dir, sound.dir, mutant);
  } finally {
    restore();
  }
}

function sayOutcome({ layer, mutant, verdict }: Outcome): void {
  say(`${verdict.kind.padEnd(9)} ${layer.padEnd(12)} ${mutant.file}: ${describe(mutant, verdict)}`);
}

function describe({ text, becomes, survives }: Mutant, verdict: Verdict): string {
  const short = (words: string): string => JSON.stringify(words.replace(/\s+/g, ' ').trim().slice(0, 70));
  const change = `${short(text)} becomes ${short(becomes)}`;
  if (verdict.kind === 'killed') return `${change} (${verdict.file}: ${verdict.by})`;
  if (verdict.kind === 'invalid') return `${change}: ${verdict.why}`;
  return survives === undefined ? change : `${change}, as it must: ${survives}`;
}

function readOptions(words: readonly string[]): Options {
  const value = (flag: string): string | undefined => {
    const at = words.indexOf(flag);
    return at < 0 ? undefined : words[at + 1];
  };
  return {
    sample: Number(value('--sample') ?? Infinity),
    layers: value('--layer')?.split(','),
    match: value('--match'),
    verdicts: value('--verdicts'),
    print: words.includes('--print'),
  };
}

process.exit(main(readOptions(process.argv.slice(2))));
