/** Runs the lines in both, a few in one script, and gives what differs. */
import type { BesideDocker } from '../support/docker/beside-docker.ts';
import { firstSaid } from '../support/docker/beside-docker.ts';
import { KNOWN } from './intended.ts';

export interface Difference {
  readonly line: string;
  readonly what: 'status' | 'stdout' | 'stderr' | 'effect';
  readonly docker: string;
  readonly minidock: string;
  /** '' if nobody meant it. */
  readonly reason: string;
}

interface Seen {
  readonly status: string;
  readonly stdout: string;
  readonly stderr: string;
  readonly effect: string;
}

const CHUNK = 12;
const [RECORD, FIELD] = ['\x1e', '\x1f'];

/** What there is of containers, volumes and networks, after each line. */
const EFFECT = `docker ps -a --format '{{.Names}} {{.State}}' | grep -E '^(box|gone|made|again|two|fails|dead) ' | sort | tr '\\n' ';'`;

const scriptOf = (lines: readonly string[]): string =>
  lines
    .map((line) => {
      const run = `docker ${line} </dev/null >out 2>err`;
      return `${run}; s=$?; printf '\\036%s\\037%s\\037%s\\037%s' "$s" "$(cat out)" "$(cat err)" "$(${EFFECT})"`;
    })
    .join('\n');

const parse = (stdout: string): readonly Seen[] =>
  stdout
    .split(RECORD)
    .slice(1)
    .map((record) => {
      const [status = '', out = '', err = '', effect = ''] = record.split(FIELD);
      return { status, stdout: out.trim(), stderr: firstSaid(err), effect: effect.trim() };
    });

export async function compare(
  both: BesideDocker['both'],
  lines: readonly string[],
): Promise<readonly Difference[]> {
  const found: Difference[] = [];
  for (let at = 0; at < lines.length; at += CHUNK) {
    const some = lines.slice(at, at + CHUNK);
    const outcome = await both(scriptOf(some));
    const [docker, minidock] = [parse(outcome.docker.stdout), parse(outcome.minidock.stdout)];
    some.forEach((line, index) => {
      for (const what of ['status', 'stdout', 'stderr', 'effect'] as const) {
        const [theirs = 'no answer', ours = 'no answer'] = [docker[index]?.[what], minidock[index]?.[what]];
        if (theirs === ours) continue;
        const known = KNOWN.find((one) => one.line.test(line));
        found.push({
          line,
          what,
          docker: theirs,
          minidock: ours,
          reason: known === undefined ? '' : `${known.meant ? 'intended' : 'known fault'}: ${known.reason}`,
        });
      }
    });
  }
  return found;
}

export function report(all: number, differences: readonly Difference[]): string {
  const told = differences.map(
    ({ line, what, docker, minidock, reason }) =>
      `${line}\n  ${what}\n    docker    ${docker}\n    minidock  ${minidock}\n    ${reason === '' ? 'NOT EXPLAINED' : reason}\n`,
  );
  const open = differences.filter(({ reason }) => reason === '').length;
  return `${told.join('\n')}\n${String(all)} command lines, ${String(differences.length)} differences, ${String(open)} not explained\n`;
}
