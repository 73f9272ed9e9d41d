/** `minidock lab` alone, and `lab list`: what there is, what is done of it, and where to go from here. */
import type { RunningLab } from './lab-dirs.ts';
import type { Lesson } from './lesson.ts';
import { GROUPS, prose, type Style } from './words.ts';

type Done = (lesson: string) => ReadonlySet<string>;

export function listText(
  lessons: readonly Lesson[],
  done: Done,
  running: readonly RunningLab[],
  { colors }: Style,
): string {
  const width = Math.max(...lessons.map(({ name }) => name.length));
  const row = (name: string, state: string, about: string): string =>
    `${name.padEnd(width)}  ${state.padEnd('10 of 10'.length)}  ${about}`;
  const lines = [row('LESSON', 'DONE', 'ABOUT')];
  for (const [group, title] of GROUPS) {
    const members = lessons.filter((lesson) => lesson.group === group);
    if (members.length === 0) continue;
    lines.push('', colors.bold(title));
    for (const lesson of members) {
      const runs = running.some(({ lesson: name }) => name === lesson.name) ? ' (running)' : '';
      lines.push(row(lesson.name, doneWord(lesson, done), `${lesson.title}${runs}`));
    }
  }
  return `${lines.join('\n')}\n`;
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
  const { bold } = style.colors;
  const isDone = (lesson: Lesson): boolean => lesson.steps.every(({ id }) => done(lesson.name).has(id));
  const next = lessons.find((lesson) => !isDone(lesson)) ?? lessons[0];
  const finished = lessons.filter(isDone).length;
  const [lab] = running;
  const begin =
    lab !== undefined
      ? `A lab is running: ${bold(`minidock lab enter ${lab.id}`)}`
      : `${finished === 0 ? 'Begin with' : `${String(finished)} of ${String(lessons.length)} lessons are done. Go on with`}: ${bold(`minidock lab start ${next?.name ?? ''}`)}`;
  return (
    prose(ABOUT, style) +
    `\n  ${begin}\n\n` +
    prose(
      `Everything there is: minidock lab list. Only watching: minidock lab run ${next?.name ?? ''} --auto`,
      style,
    )
  );
}

const ABOUT = `A container's network is a few things of the kernel put together: a namespace, a cable, a switch, addresses, a rule or two. Here you make each of them with your own hands, in the order of the article "Virtual Networking: From Basics to Docker and Beyond" (Vikash Kumar), and minidock looks at the kernel to see whether it is there.

A lesson has a host of its own that can be thrown away: whatever you type in its shell, this machine stays as it is, and nothing needs the internet, which is played by a namespace called "outside". In the shell:

  minidock lab check    is the step reached, and what is missing?
  minidock lab hint     one more hint each time
  minidock lab show     a solution, with its reasons
  minidock lab reset    everything as at the beginning
  minidock lab end      and nothing of it stays
`;
