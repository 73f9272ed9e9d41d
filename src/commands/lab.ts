/**
 * `lab`: lessons with one's own hands, in a host that can be thrown away. The same words work inside a lab's shell and
 * from another terminal; from there, minidock runs itself inside.
 */
import { join } from 'node:path';
import { MinidockError } from '../../runtime/errors.ts';
import type { Paths } from '../engine/paths.ts';
import { requireRoot } from '../engine/require-root.ts';
import { stdinIsTerminal, stdout } from '../engine/standard-streams.ts';
import {
  labDir,
  lessonInside,
  progressFile,
  readLab,
  runningLabs,
  type RunningLab,
} from '../teach/lab/lab-dirs.ts';
import { endFromInside, endLab, runInLab, startLab, takeReset } from '../teach/lab/lab.ts';
import type { Lesson } from '../teach/lab/lesson.ts';
import { allLessons, findLesson } from '../teach/lab/lessons/index.ts';
import { introduction, listText } from '../teach/lab/overview.ts';
import { readProgress } from '../teach/lab/progress.ts';
import * as tutor from '../teach/lab/tutor.ts';
import { lessonText, type Style } from '../teach/lab/words.ts';
import { colorsFor } from '../ui/colors.ts';
import type { Context, Verb } from './verb.ts';

interface Flags {
  readonly auto?: boolean;
  readonly again?: boolean;
  readonly pictures?: boolean;
}

const ACTIONS = `
Commands:
  list             All lessons, and what of them is done
  start NAME       Make the lab of a lesson and open a shell in it
  enter [NAME]     Open another shell in a running lab (enter NAME -- COMMAND: run one command in it)
  status           The story so far: which step is to be done
  check            Look whether the step is reached, and what is missing
  hint             A hint; one more each time
  show [NAME]      The solution of the step with its reasons, or of a whole lesson
  next             Do the step for me
  reset            The same lab anew
  end              End the lab; nothing of it stays
  run NAME --auto  A lesson that plays itself
`;

export const lab: Verb = {
  configure(command, context) {
    command
      .usage('[COMMAND] [NAME]')
      .argument('[command]')
      .argument('[names...]')
      .option('--auto', 'of run: type the solutions')
      .option('--again', 'of start: begin at the first step, whatever was done before')
      .option('--no-pictures', 'of run: draw nothing between the steps')
      .addHelpText('after', ACTIONS)
      .action(async (action: string | undefined, names: readonly string[], flags: Flags) => {
        const colors = await colorsFor(stdout);
        const style: Style = { width: Math.min(stdout.columns || 80, 100), colors };
        const inside = lessonInside();
        const code =
          inside === undefined
            ? await actOutside(action ?? 'intro', names, flags, style, context)
            : await actInside(requireLesson(inside), action ?? 'status', names, flags, style);
        context.exit(code);
      });
  },
};

async function actInside(
  lesson: Lesson,
  action: string,
  names: readonly string[],
  flags: Flags,
  style: Style,
): Promise<number> {
  switch (action) {
    case 'list':
      stdout.write(listText(allLessons, readProgress('/run/lab/progress'), [], style));
      return 0;
    case 'status':
      tutor.tellStatus(lesson, style);
      return 0;
    case 'check':
      return tutor.check(lesson, style);
    case 'hint':
      tutor.hint(lesson, style);
      return 0;
    case 'show':
      if (names[0] === undefined) tutor.show(lesson, style);
      else stdout.write(lessonText(requireLesson(names[0]), style));
      return 0;
    case 'next':
      return tutor.next(lesson, style);
    case 'reset':
    case 'end':
      endFromInside(action === 'reset');
      return 0;
    case '__welcome':
      await tutor.welcome(lesson, flags.again === true, style);
      return 0;
    case '__play':
      return tutor.playLesson(lesson, style, flags.pictures !== false);
    case 'start':
    case 'enter':
    case 'run':
      throw new MinidockError({
        code: 'LAB_INSIDE',
        message: `this shell is in the lab ${lesson.name} already`,
        hint: 'Leave it with "exit", or end it with "minidock lab end", and try again.',
      });
    default:
      throw unknownAction(action);
  }
}

async function actOutside(
  action: string,
  names: readonly string[],
  flags: Flags,
  style: Style,
  { engine: { paths } }: Context,
): Promise<number> {
  switch (action) {
    case 'intro':
      stdout.write(
        introduction(allLessons, readProgress(progressFileToRead(paths)), runningLabs(paths), style),
      );
      return 0;
    case 'list':
      stdout.write(listText(allLessons, readProgress(progressFileToRead(paths)), runningLabs(paths), style));
      return 0;
    case 'start':
      return start(paths, requireLesson(required(names[0], action)), flags);
    case 'enter':
      return names.length > 1
        ? runInLab(pickLab(paths, names[0]), names.slice(1))
        : stay(paths, pickLab(paths, names[0]));
    case 'show':
      // Of a lesson with no lab: to be read.
      if (names[0] !== undefined && readLab(paths, names[0]) === undefined) {
        stdout.write(lessonText(requireLesson(names[0]), style));
        return 0;
      }
      return minidockInLab(pickLab(paths, names[0]), 'show');
    case 'status':
    case 'check':
    case 'hint':
    case 'next':
      return minidockInLab(pickLab(paths, names[0]), action);
    case 'reset': {
      const old = pickLab(paths, names[0]);
      await endLab(old);
      return start(paths, requireLesson(old.lesson), flags);
    }
    case 'end': {
      requireRoot('lab');
      const ended = pickLab(paths, names[0]);
      await endLab(ended);
      stdout.write(`The lab ${ended.id} is gone. What you have done is kept: minidock lab list\n`);
      return 0;
    }
    case 'run':
      return run(paths, names, flags);
    default:
      throw unknownAction(action);
  }
}

async function start(paths: Paths, lesson: Lesson, flags: Flags): Promise<number> {
  requireRoot('lab');
  const started = await startLab(paths, lesson, { id: lesson.name, progress: progressFile(paths) });
  await minidockInLab(started, '__welcome', ...(flags.again === true ? ['--again'] : []));
  return stay(paths, started);
}

/** A shell in the lab, and another one when the lab was made anew from inside. */
async function stay(paths: Paths, lab: RunningLab): Promise<number> {
  const { id } = lab;
  if (!stdinIsTerminal() || !stdout.isTTY) {
    stdout.write(
      `\nThe lab ${id} runs. A shell in it: minidock lab enter ${id} (from a terminal). End it: minidock lab end ${id}\n`,
    );
    return 0;
  }
  for (let current = lab; ;) {
    const code = await runInLab(current, ['bash', '--rcfile', '/run/lab/rc', '-i']);
    // The keeper is still at work when PID 1 has just gone.
    if (readLab(paths, id) !== undefined) {
      stdout.write(
        `The lab ${id} goes on. Back into it: minidock lab enter ${id}. End it: minidock lab end ${id}\n`,
      );
      return code;
    }
    await endLab(current);
    if (!takeReset(paths, id)) {
      stdout.write(`The lab ${id} is gone. What you have done is kept: minidock lab list\n`);
      return 0;
    }
    const lesson = requireLesson(current.lesson);
    current = await startLab(paths, lesson, { id, progress: progressFile(paths) });
    await minidockInLab(current, '__welcome', '--again');
  }
}

const minidockInLab = (lab: RunningLab, ...words: readonly string[]): Promise<number> =>
  runInLab(lab, ['/usr/local/bin/minidock', 'lab', ...words]);

/** Each lesson in a lab of its own that nobody enters, and that leaves no mark in what was reached. */
async function run(paths: Paths, names: readonly string[], flags: Flags): Promise<number> {
  requireRoot('lab');
  if (flags.auto !== true) {
    throw new MinidockError({
      code: 'LAB_RUN_ALONE',
      message: 'lab run plays a lesson by itself, and wants to be told so with --auto',
      hint: 'To do it yourself: minidock lab start NAME',
    });
  }
  required(names[0], 'run');
  let worst = 0;
  for (const lesson of names.map(requireLesson)) {
    const id = `${lesson.name}+${String(process.pid)}`;
    const played = await startLab(paths, lesson, { id, progress: join(labDir(paths, id), 'progress') });
    try {
      const pictures = flags.pictures === false ? ['--no-pictures'] : [];
      worst = Math.max(worst, await minidockInLab(played, '__play', ...pictures));
    } finally {
      await endLab(played);
    }
  }
  return worst;
}

/** @throws MinidockError 'LAB_NONE', 'LAB_WHICH'. */
function pickLab(paths: Paths, name: string | undefined): RunningLab {
  const labs = runningLabs(paths).filter(({ id }) => name === undefined || id === name);
  const [first, second] = labs;
  if (first === undefined) {
    throw new MinidockError({
      code: 'LAB_NONE',
      message: name === undefined ? 'no lab is running' : `no lab ${name} is running`,
      hint: 'minidock lab list shows the lessons, minidock lab start NAME begins one.',
    });
  }
  if (second !== undefined) {
    throw new MinidockError({
      code: 'LAB_WHICH',
      message: `several labs are running: ${labs.map(({ id }) => id).join(', ')}`,
      hint: 'Say which one: its name is the last word of the command.',
    });
  }
  return first;
}

function requireLesson(name: string): Lesson {
  const lesson = findLesson(name);
  if (lesson !== undefined) return lesson;
  throw new MinidockError({
    code: 'LAB_UNKNOWN',
    message: `there is no lesson "${name}"`,
    hint: 'minidock lab list shows them all.',
  });
}

function required(name: string | undefined, action: string): string {
  if (name !== undefined) return name;
  throw new MinidockError({
    code: 'LAB_UNNAMED',
    message: `lab ${action} needs the name of a lesson`,
    hint: 'minidock lab list shows them all.',
  });
}

const unknownAction = (action: string): MinidockError =>
  new MinidockError({
    code: 'LAB_ACTION',
    message: `lab has no command "${action}"`,
    hint: 'minidock lab --help lists what it has; minidock lab alone tells where to begin.',
  });

/** Looking makes nothing. */
const progressFileToRead = (paths: Paths): string => join(paths.root, 'lab', 'progress');
