/** The lab's commands inside: status, check, hint, show, next, and a lesson that plays itself. */
import { stdout } from '../../io/standard-streams.ts';
import { INSIDE } from './lab-dirs.ts';
import type { Lesson } from './lesson.ts';
import { nextLesson } from './lessons/index.ts';
import {
  allHold,
  checkSoon,
  checkStep,
  drawPicture,
  isReached,
  openShell,
  playStep,
  playUpTo,
  type PlayReport,
} from './play.ts';
import { scoreText } from './break/score.ts';
import { readProgress, readState, recordStep, writeState } from './progress.ts';
import { picturesText } from './pictures.ts';
import {
  doneText,
  prose,
  solutionText,
  storyText,
  taskText,
  verdictText,
  type Style,
} from './lesson-text.ts';

export function tellStatus(lesson: Lesson, style: Style): void {
  const { step } = readState(INSIDE.state);
  if (step >= lesson.steps.length) tellDone(lesson, style);
  else stdout.writeStyled(`${taskText(lesson, step, style)}\n${HOW_ON}`);
}

/** Short words of the lab's shell. */
const HOW_ON = 'Done? check   Stuck? hint   Too stuck? show (a solution), next (do it for me)\n';

function tellDone(lesson: Lesson, style: Style): void {
  const { bold } = style.colors;
  const follows = nextLesson(readProgress(INSIDE.progress), lesson);
  const onward =
    follows === undefined ? '' : ` Then go on with: ${bold(`minidock lab start ${follows.name}`)}`;
  const score = scoreText(lesson.name, readState(INSIDE.state));
  stdout.writeStyled(
    `${doneText(lesson, style)}${score === undefined ? '' : `${bold(score)}\n`}\n${bold('end')} removes this lab; your progress is kept.${onward}\n`,
  );
}

/** The greeting of a new lab. It does the steps again that were reached before, so that the learner continues there. */
export async function welcome(lesson: Lesson, again: boolean, style: Style): Promise<void> {
  stdout.writeStyled(storyText(lesson, style));
  const reached = readProgress(INSIDE.progress)(lesson.name);
  const first = lesson.steps.findIndex(({ id }) => !reached.has(id));
  const step = again || first < 0 ? 0 : first;
  if (step > 0) {
    const count = `${String(step)} ${step === 1 ? 'step' : 'steps'}`;
    stdout.writeStyled(
      `You have done the first ${count} before: minidock does them again for you (--again begins at the first).\n\n`,
    );
    await playUpTo(lesson, step);
  }
  await enterStep(step);
  tellStatus(lesson, style);
}

/** Draws the picture before the step begins. */
async function enterStep(step: number): Promise<void> {
  const { picture: _, began = Date.now(), ...before } = readState(INSIDE.state);
  const state = { ...before, began, step, hints: 0 };
  writeState(INSIDE.state, state);
  const picture = await drawPicture(pictureWidth());
  if (picture !== undefined) writeState(INSIDE.state, { ...state, picture });
}

const pictureWidth = (): number => Math.min(stdout.columns || 100, 100);

/** Returns the exit status: 0 when the step is reached. It skips all further steps that are already reached. */
export async function check(lesson: Lesson, style: Style, look = checkStep): Promise<number> {
  const state = readState(INSIDE.state);
  const step = lesson.steps[state.step];
  if (step === undefined) {
    tellDone(lesson, style);
    return 0;
  }
  stdout.writeStyled(taskTitle(lesson, state.step, style));
  const verdicts = await look(step);
  stdout.writeStyled(verdictText(verdicts, style));
  if (!allHold(verdicts)) {
    stdout.writeStyled('\nNot yet: the lines with [ ] are still missing. hint gives a hint.\n');
    return 1;
  }
  await recordStep(lesson, state.step);
  writeState(INSIDE.state, { ...state, ended: Date.now() });
  const reached = await passReached(lesson, state.step + 1, style);
  await enterStep(reached);
  stdout.writeStyled(picturesText(state.picture, readState(INSIDE.state).picture, stdout.rows, style));
  stdout.writeStyled('\n');
  tellStatus(lesson, style);
  return 0;
}

/** The first step from there that is not reached. */
async function passReached(lesson: Lesson, from: number, style: Style): Promise<number> {
  for (let index = from; ; index++) {
    const step = lesson.steps[index];
    if (step === undefined || !(await isReached(step))) return index;
    const verdicts = step.requirements.map(({ text }) => ({ text, holds: true }));
    stdout.writeStyled(`${taskTitle(lesson, index, style)}${verdictText(verdicts, style)}`);
    await recordStep(lesson, index);
  }
}

const taskTitle = (lesson: Lesson, index: number, style: Style): string =>
  `${taskText(lesson, index, style).split('\n')[0] ?? ''}\n`;

/** One more each time. */
export function hint(lesson: Lesson, style: Style): void {
  const state = readState(INSIDE.state);
  const step = lesson.steps[state.step];
  if (step === undefined) return tellDone(lesson, style);
  const given = Math.min(state.hints + 1, step.hints.length);
  const used = (state.used ?? 0) + given - state.hints;
  writeState(INSIDE.state, { ...state, hints: given, used });
  for (const [index, text] of step.hints.slice(0, given).entries()) {
    stdout.writeStyled(prose(`Hint ${String(index + 1)}: ${text}`, style));
  }
  if (given === step.hints.length) {
    stdout.writeStyled('There are no more hints; show shows a solution with its reasons.\n');
  }
}

export function show(lesson: Lesson, style: Style): void {
  const state = readState(INSIDE.state);
  const { step: index } = state;
  const step = lesson.steps[index];
  if (step === undefined) return tellDone(lesson, style);
  writeState(INSIDE.state, { ...state, shown: true });
  stdout.writeStyled(taskText(lesson, index, style) + solutionText(step.solution, style));
}

/** Does the step for the learner, and checks it. */
export async function next(lesson: Lesson, style: Style): Promise<number> {
  const state = readState(INSIDE.state);
  const step = lesson.steps[state.step];
  if (step !== undefined) {
    writeState(INSIDE.state, { ...state, shown: true });
    const shell = openShell();
    await playStep(shell, step, reporter(style));
    shell.end();
  }
  return check(lesson, style, checkSoon);
}

const reporter = (style: Style): PlayReport => ({
  typed(line, { output }) {
    stdout.writeStyled(solutionText([line], style));
    if (output.trim() !== '') stdout.writeStyled(`${output.trimEnd().replace(/^/gm, '      | ')}\n`);
  },
});

/** Plays the whole lesson. Returns 0 when each step was unmet before its solution and reached after it. */
export async function playLesson(lesson: Lesson, style: Style, withPictures: boolean): Promise<number> {
  const { red } = style.colors;
  stdout.writeStyled(storyText(lesson, style));
  const shell = openShell();
  let wrong = 0;
  let before = withPictures ? await drawPicture(pictureWidth()) : undefined;
  for (const [index, step] of lesson.steps.entries()) {
    stdout.writeStyled(`${taskText(lesson, index, style)}\n`);
    const untouched = await checkStep(step);
    stdout.writeStyled(verdictText(untouched, style));
    if (allHold(untouched)) {
      stdout.writeStyled(red('  The check passed before anything was done: it proves nothing.\n'));
      wrong += 1;
    }
    stdout.writeStyled('\n');
    await playStep(shell, step, reporter(style));
    const reached = await checkSoon(step);
    stdout.writeStyled(`\n${verdictText(reached, style)}`);
    if (!allHold(reached)) {
      stdout.writeStyled(red('  The check still fails after the solution.\n'));
      wrong += 1;
    }
    if (withPictures) {
      const after = await drawPicture(pictureWidth());
      stdout.writeStyled(picturesText(before, after, 0, style));
      before = after;
    }
    stdout.writeStyled('\n');
  }
  shell.end();
  if (wrong === 0) stdout.writeStyled(doneText(lesson, style));
  return wrong === 0 ? 0 : 1;
}
