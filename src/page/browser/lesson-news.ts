/** What has changed in a lesson, as a sentence for a screen reader: a step reached, a check that holds now. Pure. */
import type { LessonInfo, LessonState } from '../messages.ts';

/** '' if there is nothing to tell. */
export function lessonNews(lesson: LessonInfo, before: LessonState | undefined, now: LessonState): string {
  if (before === undefined) return '';
  const { steps } = lesson;
  if (now.step > before.step) {
    const next = steps[now.step];
    const done = `Step ${before.step + 1} is reached.`;
    return next === undefined
      ? `${done} You have done all steps of this lesson.`
      : `${done} Step ${now.step + 1} of ${steps.length}: ${next.title}.`;
  }
  if (now.step < before.step)
    return `Step ${now.step + 1} of ${steps.length}: ${steps[now.step]?.title ?? ''}.`;
  if (now.hints > before.hints) return `Hint: ${steps[now.step]?.hints[now.hints - 1] ?? ''}`;
  const held = new Map(before.verdicts.map(({ text, holds }) => [text, holds]));
  return now.verdicts
    .filter(({ text, holds }) => held.has(text) && held.get(text) !== holds)
    .map(({ text, holds }) => `${holds ? 'Reached' : 'Missing again'}: ${text}.`)
    .join(' ');
}

/** After "Check now". */
export function checkNews({ verdicts }: LessonState): string {
  const missing = verdicts.filter(({ holds }) => !holds).map(({ text }) => text);
  return missing.length === 0 ? '' : `Not yet. Missing: ${missing.join('; ')}.`;
}
