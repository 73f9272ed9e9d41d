/** `minidock lab` alone, and `lab list`: the lessons, which of them are done, and what to type next. */
import type { RunningLab } from './lab-dirs.ts';
import type { Colors } from '../../ui/colors.ts';
import { seedOf } from './break/break-it.ts';
import type { Lesson } from './lesson.ts';
import { allLessons, findLesson, isDone, nextLesson } from './lessons/index.ts';
import { GROUPS, prose, type Style } from './lesson-text.ts';

type Done = (lesson: string) => ReadonlySet<string>;

/** A name longer than the column widens only its own row, so that the others fit 80 columns. */
const NAME_WIDTH = 23;

export function listText(
  lessons: readonly Lesson[],
  done: Done,
  running: readonly RunningLab[],
  { colors }: Style,
): string {
  const row = (name: string, state: string, about: string): string =>
    `${name.padEnd(NAME_WIDTH)} ${state.padEnd('6 of 7'.length)} ${about}`;
  const broken = running.flatMap(({ lesson }) =>
    seedOf(lesson) === undefined ? [] : (findLesson(lesson) ?? []),
  );
  const lines = [row('LESSON', 'DONE', 'ABOUT')];
  for (const [group, title] of GROUPS) {
    const members = [...lessons, ...broken].filter((lesson) => lesson.group === group);
    if (members.length === 0) continue;
    lines.push('', colors.bold(title));
    for (const lesson of members) {
      const runs = running.some(({ lesson: name }) => name === lesson.name) ? ' (running)' : '';
      lines.push(row(lesson.name, doneWord(lesson, done), `${lesson.title}${runs}`));
    }
    if (group === 'puzzle') lines.push(row('break', '', 'A random fault, for points: minidock lab break'));
  }
  // A long list scrolls; its end stays on the screen.
  return `${lines.join('\n')}\n\n${goOn(done, running, colors)}\n`;
}

function doneWord(lesson: Lesson, done: Done): string {
  const reached = done(lesson.name);
  const count = lesson.steps.filter(({ id }) => reached.has(id)).length;
  if (count === 0) return '-';
  return count === lesson.steps.length ? 'all' : `${String(count)} of ${String(lesson.steps.length)}`;
}

export function introduction(
  lessons: readonly Lesson[],
  done: Done,
  running: readonly RunningLab[],
  style: Style,
): string {
  const next = nextLesson(done)?.name ?? 'cable';
  const finished = lessons.filter((lesson) => isDone(lesson, done)).length;
  const count =
    finished === 0 ? '' : `${String(finished)} of ${String(lessons.length)} lessons are done.\n\n`;
  return (
    `${prose(ABOUT, style)}${count}${goOn(done, running, style.colors)}\n` +
    '\nAll lessons:   minidock lab list' +
    `\nJust to watch: minidock lab run ${next} --auto\n`
  );
}

/** What to type now: a line for each lab that runs, or the next lesson. */
function goOn(done: Done, running: readonly RunningLab[], { bold }: Colors): string {
  const isOver = ({ lesson }: RunningLab): boolean => {
    const found = findLesson(lesson);
    return found !== undefined && isDone(found, done);
  };
  const lines = running.map((lab) =>
    isOver(lab)
      ? `Done, but still running: ${bold(`minidock lab end ${lab.id}`)}`
      : `It runs. Enter it: ${bold(`minidock lab enter ${lab.id}`)}`,
  );
  if (running.every(isOver)) {
    const next = nextLesson(done);
    const first = allLessons.some(({ name }) => done(name).size > 0) ? 'Go on with' : 'Begin with';
    lines.push(
      next === undefined
        ? 'All lessons are done. Do one again: minidock lab start NAME --again'
        : `${first}: ${bold(`minidock lab start ${next.name}`)}`,
    );
  }
  return lines.join('\n');
}

const ABOUT = `A container's network is a few things of the kernel put together: a namespace, a cable, a switch, addresses, a rule or two. Here you make each of them with your own hands, in the order of the article "Virtual Networking: From Basics to Docker and Beyond" (Vikash Kumar), and minidock looks at the kernel to see whether it is there.

Each lesson has a throw-away host of its own: whatever you type in its shell, this machine stays as it is. Nothing needs the internet; a namespace called "outside" plays it. In its shell you type ordinary commands, and these:

  status    shows the task again
  check     shows whether the step is reached, and what is missing
  hint      gives one more hint each time
  show      shows a solution with its reasons; next types it for you
  reset     starts the lesson again
  end       removes the lab; only the progress stays
`;
