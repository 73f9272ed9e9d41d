/**
 * The steps done for one container, so that any process can undo them, even after a SIGKILL.
 *
 * One JSON line a step, appended before the step is performed; the line holds the undo command itself, so undoing
 * needs neither the plan nor the code that made it. A step may therefore be listed that never ran: undo tolerates
 * what is already gone. The file lives in the run directory: a reboot undoes the kernel's part and it with it.
 */
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import type { HostCommand } from './command.ts';
import type { HostStep, StepId } from './step.ts';

export interface JournalEntry {
  readonly id: StepId;
  /** Absent for a step that another one's undo frees. */
  readonly undo?: HostCommand;
}

export class Journal {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** One append for the whole group, so that a group folded into one process is recorded before it starts. */
  record(steps: readonly HostStep[]): void {
    const lines = steps
      .filter(({ undo }) => undo.kind === 'command' || undo.kind === 'freedBy')
      .map((step) => JSON.stringify(entryOf(step)) + '\n');
    if (lines.length > 0) appendFileSync(this.path, lines.join(''), { mode: 0o600 });
  }

  /** In the order of recording; a last line cut short by a crash is left out, since its step had not begun. */
  read(): readonly JournalEntry[] {
    return this.readLines().flatMap((line) => readEntry(line) ?? []);
  }

  /** Damaged lines. The undo then also looks at the kernel. */
  get damage(): string | undefined {
    const bad = this.readLines().filter((line) => readEntry(line) === undefined).length;
    return bad === 0 ? undefined : `${bad} of its lines hold no step`;
  }

  private readLines(): readonly string[] {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    const complete = text.slice(0, text.lastIndexOf('\n') + 1);
    return complete.split('\n').filter((line) => line !== '');
  }

  remove(): void {
    rmSync(this.path, { force: true });
  }
}

/** For shared steps, and for steps that the caller undoes as a whole. */
export const NO_JOURNAL: Pick<Journal, 'record'> = { record: () => undefined };

/** undefined for what no journal was ever written with: an undo is carried out as it stands, so its shape must be right. */
function readEntry(line: string): JournalEntry | undefined {
  let entry: unknown;
  try {
    entry = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isEntry(entry) ? entry : undefined;
}

function isEntry(value: unknown): value is JournalEntry {
  if (!isObject(value) || typeof value['id'] !== 'string') return false;
  const { undo } = value;
  return undo === undefined || (isObject(undo) && isUndo(undo));
}

/** The commands that steps name as their undo. */
function isUndo({ kind, ...rest }: Readonly<Record<string, unknown>>): boolean {
  switch (kind) {
    case 'run': {
      const { argv, input } = rest;
      const isText = (word: unknown): boolean => typeof word === 'string';
      return (
        Array.isArray(argv) && argv.length > 0 && argv.every(isText) && (input === undefined || isText(input))
      );
    }
    case 'rmdir':
      return typeof rest['path'] === 'string' && rest['path'].startsWith('/sys/fs/cgroup/');
    case 'delete-netns':
      return typeof rest['name'] === 'string' && /^[\w.-]+$/.test(rest['name']);
    case 'unmount-volume': {
      const { target, users, user } = rest;
      const isPath = (path: unknown): boolean => typeof path === 'string' && path.startsWith('/');
      return isPath(target) && isPath(users) && typeof user === 'string' && /^[0-9a-f]{64}$/.test(user);
    }
    case 'forget-flows': {
      const { of } = rest;
      return isObject(of) && typeof of['address'] === 'string' && /^[0-9a-f.:]{2,39}$/.test(of['address']);
    }
    case 'kill-cgroup':
      return typeof rest['cgroupsPath'] === 'string' && rest['cgroupsPath'].startsWith('/');
    default:
      return false;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function entryOf(step: HostStep): JournalEntry {
  return step.undo.kind === 'command' ? { id: step.id, undo: step.undo.command } : { id: step.id };
}
