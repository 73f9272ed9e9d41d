/**
 * A lab on the user's terminal: starts it, prints what to do, opens a shell in it, and another one after `reset`; or
 * plays the lesson without a user. minidock runs itself inside.
 */
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import type { Paths } from '../../engine/state/paths.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { stdinIsTerminal, stdout } from '../../io/standard-streams.ts';
import { runInLab } from './enter.ts';
import { INSIDE, labDir, progressFile, readLab, type RunningLab } from './lab-dirs.ts';
import { endLab, startLab, takeReset } from './lab.ts';
import type { Lesson } from './lesson.ts';
import { findLesson, similarLessons } from './lessons/index.ts';

export async function start(paths: Paths, lesson: Lesson, again: boolean): Promise<number> {
  requireRoot('lab');
  const started = await startLab(paths, lesson, { id: lesson.name, progress: progressFile(paths) });
  await minidockInLab(started, '__welcome', ...(again ? ['--again'] : []));
  return stay(paths, started);
}

/** A shell in the lab, and another one after `reset`. */
export async function stay(paths: Paths, lab: RunningLab): Promise<number> {
  const { id } = lab;
  if (!stdinIsTerminal() || !stdout.isTTY) {
    stdout.writeStyled(
      `\nThe lab ${id} runs. Enter it from a terminal: minidock lab enter ${id}. End it: minidock lab end ${id}\n`,
    );
    return 0;
  }
  for (let current = lab; ;) {
    const code = await runInLab(current, ['bash', '--rcfile', '/run/lab/rc', '-i']);
    // The keeper still cleans up when PID 1 has just gone.
    if (readLab(paths, id) !== undefined) {
      stdout.writeStyled(
        `The lab ${id} keeps running. Enter it: minidock lab enter ${id}. End it: minidock lab end ${id}\n`,
      );
      return code;
    }
    const next = await anewIfAsked(paths, current);
    if (next === undefined) {
      tellGone(current);
      return 0;
    }
    current = next;
  }
}

export const tellGone = ({ id }: RunningLab): void =>
  stdout.writeStyled(`The lab ${id} is gone. Your progress is kept: minidock lab list\n`);

/** The command may end the lab. */
export async function runCommand(paths: Paths, lab: RunningLab, words: Argv): Promise<number> {
  const code = await runInLab(lab, words);
  if (readLab(paths, lab.id) !== undefined) return code;
  if ((await anewIfAsked(paths, lab)) === undefined) tellGone(lab);
  return 0;
}

/** A lab that was ended from inside. */
async function anewIfAsked(paths: Paths, ended: RunningLab): Promise<RunningLab | undefined> {
  await endLab(ended);
  if (!takeReset(paths, ended.id)) return undefined;
  const progress = progressFile(paths);
  const lab = await startLab(paths, requireLesson(ended.lesson), { id: ended.id, progress });
  await minidockInLab(lab, '__welcome', '--again');
  return lab;
}

export const minidockInLab = (lab: RunningLab, ...words: readonly string[]): Promise<number> =>
  runInLab(lab, [INSIDE.minidock, 'lab', ...words]);

/** Plays each lesson in its own lab that nobody enters, and records no progress. */
export async function play(paths: Paths, lessons: readonly Lesson[], pictures: boolean): Promise<number> {
  requireRoot('lab');
  let worst = 0;
  for (const lesson of lessons) {
    const id = `${lesson.name}+${String(process.pid)}`;
    const progress = join(labDir(paths, id), 'progress');
    const played = await startLab(paths, lesson, { id, progress, bound: true });
    try {
      const words = pictures ? [] : ['--no-pictures'];
      worst = Math.max(worst, await minidockInLab(played, '__play', ...words));
    } finally {
      await endLab(played);
    }
  }
  return worst;
}

function meant(name: string): readonly string[] {
  const names = similarLessons(name).map((lesson) => lesson.name);
  return names.length === 0 ? [] : [`Did you mean ${names.join(', ')}?`];
}

/** @throws MinidockError 'LAB_UNKNOWN'. */
export function requireLesson(name: string): Lesson {
  const lesson = findLesson(name);
  if (lesson !== undefined) return lesson;
  throw new MinidockError({
    code: 'LAB_UNKNOWN',
    message: `there is no lesson "${name}"`,
    hint: [...meant(name), 'minidock lab list shows all lessons.'].join(' '),
  });
}
