/**
 * The attack suite as a program: picks cases, carries them out side by side, prints a line for each way of use and a
 * sum at the end. Runs on Bun, from the source or compiled (scripts/vm puts it into a machine without either).
 */
import { writeSync } from 'node:fs';
import type { AttackCase, Way } from './case.ts';
import { carryOut, type Outcome } from './carry-out.ts';
import { ALL_CASES } from './cases/index.ts';
import { isNamed, parseOptions, USAGE, type Options } from './options.ts';
import { preflight } from './preflight.ts';

const print = (line: string): void => void writeSync(1, `${line}\n`);

/** A line says what is wanted of the build: that it holds, or, of one without the fixes, that it falls. */
function lineOf(name: string, way: Way, outcome: Outcome, expect: Options['expect']): string {
  const subject = `${name} (${way})`;
  const evidence = 'words' in outcome ? `: ${oneLine(outcome.words)}` : '';
  if (outcome.kind === 'skipped') return `skip ${subject}${evidence}`;
  if (expect === 'broken') return `${outcome.kind} ${subject}${evidence}`;
  return outcome.kind === 'held' ? `ok ${subject}` : `not ok ${subject}${evidence}`;
}

const oneLine = (text: string): string =>
  text
    .trim()
    .replaceAll(/\s*\n\s*/g, ' | ')
    // What an attack prints must not reach the terminal.
    .replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, '?')
    .slice(0, 500);

interface Sum {
  passed: number;
  failed: number;
  skipped: number;
}

/** Of a build without the fixes, a case passes that succeeds in one way at least, and a guard that does not. */
function addUp(sum: Sum, attack: AttackCase, outcomes: readonly Outcome[], expect: Options['expect']): void {
  const of = (kind: Outcome['kind']): number => outcomes.filter((outcome) => outcome.kind === kind).length;
  sum.skipped += of('skipped');
  if (expect === 'held') {
    sum.passed += of('held');
    sum.failed += of('broken') + of('failed');
  } else if (of('broken') > 0 !== (attack.guard === true)) sum.passed++;
  else if (of('skipped') < outcomes.length) {
    sum.failed++;
    print(`unproven ${attack.name}`);
  }
}

async function main(options: Options): Promise<number> {
  const chosen = ALL_CASES.filter(
    ({ name, short }) => isNamed(name, options.names) && (!options.short || short === true),
  );
  if (options.list) {
    for (const { name, story, cves = [] } of chosen) print([name, story, ...cves].join('\t'));
    return 0;
  }
  if (chosen.length === 0) throw new Error('no attack has such a name');
  if (options.expect === 'held') await preflight(options);
  const sum: Sum = { passed: 0, failed: 0, skipped: 0 };
  const queue = [...chosen];
  const work = async (): Promise<void> => {
    for (let attack = queue.shift(); attack !== undefined; attack = queue.shift()) {
      const ways = options.short ? (attack.ways ?? ['run']).slice(0, 1) : (attack.ways ?? ['run']);
      const outcomes: Outcome[] = [];
      for await (const [way, outcome, said] of carryOut(attack, ways, options)) {
        outcomes.push(outcome);
        print(lineOf(attack.name, way, outcome, options.expect));
        if (options.verbose)
          for (const line of said.flatMap((text) => text.trim().split('\n'))) print(`# ${oneLine(line)}`);
      }
      addUp(sum, attack, outcomes, options.expect);
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
  print(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
  return sum.failed === 0 && sum.passed > 0 ? 0 : 1;
}

async function begin(): Promise<void> {
  try {
    process.exitCode = await main(parseOptions(process.argv.slice(2)));
  } catch (error) {
    process.stderr.write(`attack: ${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exitCode = 2;
  }
}

void begin();
