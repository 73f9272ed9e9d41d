/**
 * `top`: the host's own ps(1), with the options the user chose, and of its lines those that are of the container. Which
 * processes these are the control group tells, whatever they call themselves.
 */
import { cgroupProcesses } from '../../../runtime/cgroup/processes.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { readProgram } from '../../../runtime/plan/read-program.ts';
import { requireTool } from '../../../runtime/plan/tools.ts';
import { hasProgram } from '../spec/container.ts';
import { cgroupsPath } from '../state/paths.ts';
import type { Container } from '../state/store.ts';

export interface ProcessTable {
  readonly titles: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** @throws MinidockError 'NOT_RUNNING', 'PS_FAILED', in Docker's words. */
export async function listProcesses(
  { config, state }: Container,
  options: readonly string[],
): Promise<ProcessTable> {
  if (!hasProgram(state)) {
    throw new MinidockError({ code: 'NOT_RUNNING', message: `container ${config.id} is not running` });
  }
  const words = options.length === 0 ? ['-ef'] : options;
  refuseRenamedPid(words);
  requireTool('ps');
  const pids = cgroupProcesses(cgroupsPath(config));
  // Told to look at these alone it is quicker, and has no other lines; some options do not go together with that.
  const [few, all] = [[...words, '-q', pids.join(',')], words];
  const chosen = await readProgram(['ps', ...few], { locale: 'C.UTF-8' });
  const answer = chosen.exitCode === 0 ? chosen : await readProgram(['ps', ...all], { locale: 'C.UTF-8' });
  if (answer.exitCode !== 0) {
    const [reason = ''] = answer.stderr.split('\n');
    throw new MinidockError({ code: 'PS_FAILED', message: `ps: ${reason}` });
  }
  return pick(answer.stdout, new Set(pids));
}

/** A column that is called PID and is none would show other people's processes as the container's. */
function refuseRenamedPid(words: readonly string[]): void {
  const match = /\s(\S*)=\s*(PID\S*)/.exec(` ${words.join(' ')}`);
  if (match === null || match[1] === 'pid') return;
  throw new MinidockError({
    code: 'PS_FAILED',
    message: `specifying "${match[1] ?? ''}=${match[2] ?? ''}" is not allowed`,
  });
}

/** The last column is the rest of the line, spaces and all taken as one. */
export function pick(text: string, pids: ReadonlySet<number>): ProcessTable {
  const [head = '', ...lines] = text.split('\n').filter((line) => line !== '');
  const titles = fieldsOf(head);
  const at = titles.indexOf('PID');
  if (at < 0) {
    throw new MinidockError({ code: 'PS_FAILED', message: "Couldn't find PID field in ps output" });
  }
  const rows = lines
    .map(fieldsOf)
    .filter((fields) => pids.has(Number(fields[at])))
    .map((fields) => [...fields.slice(0, titles.length - 1), fields.slice(titles.length - 1).join(' ')]);
  return { titles, rows };
}

const fieldsOf = (line: string): readonly string[] => line.split(/[ \t\v\f\r]+/).filter(Boolean);
