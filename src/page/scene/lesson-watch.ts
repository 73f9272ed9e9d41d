/**
 * The learner's step inside a lab, checked again whenever the kernel has changed or the learner has typed something. A
 * step counts once its requirements hold, as with `check` in the shell: both use the same files.
 */
import { watch } from 'node:fs';
import { INSIDE } from '../../teach/lab/lab-dirs.ts';
import type { Lesson } from '../../teach/lab/lesson.ts';
import { allHold, checkStep, openShell, playStep } from '../../teach/lab/play.ts';
import { scoreText } from '../../teach/lab/break/score.ts';
import { readState, recordStep, writeState } from '../../teach/lab/progress.ts';
import type { SceneTell } from '../messages.ts';

export class LessonWatch {
  private checking: Promise<void> | undefined;
  private again = false;

  constructor(
    private readonly lesson: Lesson,
    private readonly tell: (words: SceneTell) => void,
  ) {
    // The shell's own words (check, hint, next) write it.
    watch(INSIDE.state, () => void this.check());
  }

  /** Checks of one scene never overlap: the ping of one must not be in the tables of the next. */
  check(): Promise<void> {
    this.again = true;
    this.checking ??= this.checkAll().finally(() => (this.checking = undefined));
    return this.checking;
  }

  hint(): void {
    const state = readState(INSIDE.state);
    const most = this.lesson.steps[state.step]?.hints.length ?? 0;
    const hints = Math.min(state.hints + 1, most);
    writeState(INSIDE.state, { ...state, hints, used: (state.used ?? 0) + hints - state.hints });
  }

  /** The solution is in the page already; a lesson with points counts that it was looked at. */
  show(): void {
    writeState(INSIDE.state, { ...readState(INSIDE.state), shown: true });
  }

  /** Does the step for the learner; returns what the commands printed. */
  async next(): Promise<string> {
    const step = this.lesson.steps[readState(INSIDE.state).step];
    if (step === undefined) return '';
    this.show();
    const shell = openShell();
    const lines: string[] = [];
    await playStep(shell, step, {
      typed: ({ command }, { output }) => lines.push(`# ${command}`, output.trimEnd()),
    });
    shell.end();
    await this.check();
    return lines.filter((line) => line !== '').join('\n');
  }

  private async checkAll(): Promise<void> {
    while (this.again) {
      this.again = false;
      const state = readState(INSIDE.state);
      const { step: index, hints } = state;
      const step = this.lesson.steps[index];
      if (step === undefined) {
        const score = scoreText(this.lesson.name, state);
        this.tell({
          tell: 'lesson',
          state: { step: index, hints: 0, verdicts: [], ...(score === undefined ? {} : { score }) },
        });
        return;
      }
      const verdicts = await checkStep(step);
      this.tell({ tell: 'lesson', state: { step: index, hints, verdicts } });
      if (!allHold(verdicts)) continue;
      await recordStep(this.lesson, index);
      const { picture: _, ...now } = readState(INSIDE.state);
      if (now.step === index) {
        writeState(INSIDE.state, { ...now, step: index + 1, hints: 0, ended: Date.now() });
      }
      this.again = true;
    }
  }
}
