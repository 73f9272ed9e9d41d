/**
 * The goals of a lesson: `minidock __scene goals` plays it in a lab that nobody enters, and tells the picture after each
 * step. The page draws it as a ghost beside what the learner has.
 */
import { printableJson } from '../../../runtime/printable.ts';
import { observe } from '../../diagnose/graph/observe.ts';
import { Engine } from '../../engine/engine.ts';
import { resolvePaths } from '../../engine/state/paths.ts';
import { stdout } from '../../io/standard-streams.ts';
import { lessonInside } from '../../teach/lab/lab-dirs.ts';
import { findLesson } from '../../teach/lab/lessons/index.ts';
import { checkSoon, openShell, playStep } from '../../teach/lab/play.ts';

export async function playGoals(): Promise<void> {
  const lesson = findLesson(lessonInside() ?? '');
  if (lesson === undefined) return;
  const engine = new Engine(resolvePaths({}));
  const shell = openShell();
  for (const [step, task] of lesson.steps.entries()) {
    await playStep(shell, task, { typed: () => undefined });
    await checkSoon(task);
    const model = await observe(engine.containers, { all: true });
    stdout.writeRaw(`${printableJson({ tell: 'goal', step, model })}\n`);
  }
  shell.end();
}
