/**
 * `lab`: hands-on lessons in a throw-away host. The same words work inside a lab's shell and from another terminal;
 * from there, minidock runs itself inside.
 */
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import { oneLine } from '../../../runtime/printable.ts';
import type { Paths } from '../../engine/state/paths.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { stdout } from '../../io/standard-streams.ts';
import { INSIDE, lessonInside, readLab, runningLabs, type RunningLab } from '../../teach/lab/lab-dirs.ts';
import { endFromInside, endLab } from '../../teach/lab/lab.ts';
import { breakName, MOST_SEED } from '../../teach/lab/break/break-it.ts';
import type { Lesson } from '../../teach/lab/lesson.ts';
import { allLessons } from '../../teach/lab/lessons/index.ts';
import { introduction, listText } from '../../teach/lab/overview.ts';
import { readProgress } from '../../teach/lab/progress.ts';
import {
  minidockInLab,
  play,
  requireLesson,
  runCommand,
  start,
  stay,
  tellGone,
} from '../../teach/lab/session.ts';
import * as tutor from '../../teach/lab/tutor.ts';
import { lessonText, type Style } from '../../teach/lab/lesson-text.ts';
import { colorsFor } from '../../ui/colors.ts';
import type { Context, Verb } from '../shared/verb.ts';

interface Flags {
  readonly auto?: boolean;
  readonly again?: boolean;
  readonly pictures?: boolean;
  readonly seed?: string;
}

const ACTIONS = `
Commands:
  list             List all lessons, and which steps are done
  start NAME       Start the lab of a lesson and open a shell in it
  enter [NAME]     Open another shell in a running lab; enter NAME -- COMMAND
                   runs one command in it
  status           Show the current step
  check            Check whether the step is reached, and what is missing
  hint             Show one more hint
  show [NAME]      Show the solution of the step with its reasons, or of a
                   whole lesson
  next             Do the step for me
  reset            Start the same lab again
  end              End the lab and remove it
  break            Repair a small network with a random fault, for points;
                   --seed N makes the same one again
  run NAME --auto  Play a lesson by itself; several names play one after the
                   other

In a lab's shell the words from status to end go without "minidock lab". From
another terminal they take the name of a lab where several are running.
`;

export const lab: Verb = {
  configure(command, context) {
    command
      .usage('[COMMAND] [NAME]')
      .argument('[command]')
      .argument('[names...]')
      .option('--auto', 'of run: type the solutions')
      .option('--again', 'of start: begin at the first step again')
      .option('--seed <number>', 'of break: which network')
      .option('--no-pictures', 'of run: draw nothing between the steps')
      .addHelpText('after', ACTIONS)
      .action(async (action: string | undefined, names: readonly string[], flags: Flags) => {
        const colors = await colorsFor(stdout);
        const style: Style = { width: Math.min(stdout.columns || 80, 100), colors };
        const inside = lessonInside();
        refuseStray(action ?? 'intro', names, flags);
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
  if (names[0] !== undefined && names[0] !== lesson.name && action !== 'show')
    throw insideAlready(lesson, [action, ...names]);
  switch (action) {
    case 'list':
      stdout.writeStyled(listText(allLessons, readProgress(INSIDE.progress), [], style));
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
      else stdout.writeStyled(lessonText(requireLesson(names[0]), style));
      return 0;
    case 'next':
      return tutor.next(lesson, style);
    case 'reset':
    case 'end':
      return endFromInside(action === 'reset');
    case '__welcome':
      await tutor.welcome(lesson, flags.again === true, style);
      return 0;
    case '__play':
      return tutor.playLesson(lesson, style, flags.pictures !== false);
    case 'start':
    case 'break':
    case 'enter':
    case 'run':
      throw insideAlready(lesson, [action, ...names]);
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
      stdout.writeStyled(
        introduction(allLessons, readProgress(progressFileToRead(paths)), runningLabs(paths), style),
      );
      return 0;
    case 'list':
      stdout.writeStyled(
        listText(allLessons, readProgress(progressFileToRead(paths)), runningLabs(paths), style),
      );
      return 0;
    case 'start':
      return start(paths, requireLesson(required(names[0], action)), flags.again === true);
    case 'break':
      return start(paths, requireLesson(breakName(readSeed(flags.seed))), true);
    case 'enter': {
      const [name, program, ...words] = names;
      const lab = pickLab(paths, name, action);
      return program === undefined ? stay(paths, lab) : runCommand(paths, lab, [program, ...words]);
    }
    case 'show':
      // For a lesson without a lab: prints it to read.
      if (names[0] !== undefined && readLab(paths, names[0]) === undefined) {
        stdout.writeStyled(lessonText(requireLesson(names[0]), style));
        return 0;
      }
      return minidockInLab(pickLab(paths, names[0], action), 'show');
    case 'status':
    case 'check':
    case 'hint':
    case 'next':
      return minidockInLab(pickLab(paths, names[0], action), action);
    case 'reset': {
      const old = pickLab(paths, names[0], action);
      await endLab(old);
      return start(paths, requireLesson(old.lesson), true);
    }
    case 'end': {
      requireRoot('lab');
      const ended = pickLab(paths, names[0], action);
      await endLab(ended);
      tellGone(ended);
      return 0;
    }
    case 'run':
      if (flags.auto !== true) throw wantsAuto();
      required(names[0], action);
      return play(paths, names.map(requireLesson), flags.pictures !== false);
    default:
      throw unknownAction(action);
  }
}

/** @throws MinidockError 'LAB_NONE', 'LAB_WHICH'. */
function pickLab(paths: Paths, name: string | undefined, action: string): RunningLab {
  const labs = runningLabs(paths).filter(({ id }) => name === undefined || id === name);
  const [first, second] = labs;
  if (first === undefined) {
    throw new MinidockError({
      code: 'LAB_NONE',
      message: name === undefined ? 'no lab is running' : `no lab ${name} is running`,
      hint: 'minidock lab shows the next lesson, minidock lab start NAME starts one.',
    });
  }
  if (second !== undefined) {
    throw new MinidockError({
      code: 'LAB_WHICH',
      message: `several labs are running: ${labs.map(({ id }) => id).join(', ')}`,
      hint: `Add its name: minidock lab ${action} ${first.id}`,
    });
  }
  return first;
}

/** @throws MinidockError 'LAB_SEED'. */
function readSeed(word: string | undefined): number {
  if (word === undefined) return randomInt(1, MOST_SEED + 1);
  if (/^(0|[1-9]\d{0,5})$/.test(word)) return Number(word);
  throw new MinidockError({
    code: 'LAB_SEED',
    message: `a seed is a number from 0 to ${String(MOST_SEED)}, not "${oneLine(word)}"`,
    hint: 'minidock lab break without --seed chooses one.',
  });
}

function required(name: string | undefined, action: string): string {
  if (name !== undefined) return name;
  throw new MinidockError({
    code: 'LAB_UNNAMED',
    message: `lab ${action} needs the name of a lesson`,
    hint: 'minidock lab shows the next lesson, minidock lab list shows all.',
  });
}

const MOST_NAMES: Readonly<Record<string, number>> = {
  intro: 0,
  list: 0,
  break: 0,
  run: Infinity,
  enter: Infinity,
};

/** Refuse arguments that would be ignored. */
function refuseStray(action: string, names: readonly string[], flags: Flags): void {
  const options = [
    flags.auto === true && action !== 'run' && '--auto',
    flags.seed !== undefined && action !== 'break' && '--seed',
    flags.again === true && !['start', '__welcome'].includes(action) && '--again',
    flags.pictures === false && !['run', '__play'].includes(action) && '--no-pictures',
  ];
  const stray = names[MOST_NAMES[action] ?? 1] ?? options.find((option) => option !== false);
  if (stray === undefined) return;
  throw new MinidockError({
    code: 'LAB_STRAY',
    message: `lab ${action} does not take "${stray}"`,
    hint: 'minidock lab --help lists the arguments of each command.',
  });
}

const insideAlready = ({ name }: Lesson, again: readonly string[]): MinidockError =>
  new MinidockError({
    code: 'LAB_INSIDE',
    message: `this shell is in the lab ${name} already`,
    hint: `"end" removes this lab, "exit" keeps it; then type on the machine: ${['minidock lab', ...again].join(' ')}`,
  });

const wantsAuto = (): MinidockError =>
  new MinidockError({
    code: 'LAB_RUN_ALONE',
    message: 'lab run plays a lesson by itself, and needs --auto to confirm that',
    hint: 'To do the lesson yourself: minidock lab start NAME',
  });

const unknownAction = (action: string): MinidockError =>
  new MinidockError({
    code: 'LAB_ACTION',
    message: `lab has no command "${action}"`,
    hint: 'minidock lab --help lists the commands; minidock lab alone shows where to begin.',
  });

/** Looking makes nothing. */
const progressFileToRead = (paths: Paths): string => join(paths.root, 'lab', 'progress');
