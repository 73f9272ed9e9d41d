/** The task of the lesson that runs: its step, its live checks, hints, the solution. */
import type { LessonInfo, LessonState } from '../messages.ts';
import { command, fill, h, sign, unseen } from './dom.ts';
import { announce } from './news.ts';
import { predictions } from './predictions.ts';

export interface TaskActions {
  ask(word: 'check' | 'hint' | 'show' | 'next'): Promise<unknown>;
  /** What was asked for has been answered. */
  answered(word: 'check' | 'hint' | 'next'): void;
  reset(): void;
  end(): void;
  goal(): void;
  type(text: string): void;
}

export class TaskPanel {
  private solution = -1;
  private output = '';
  private answered = new Map<string, string>();

  constructor(
    private readonly body: HTMLElement,
    private readonly actions: TaskActions,
  ) {}

  draw(
    lesson: LessonInfo,
    state: LessonState | undefined,
    missing: readonly string[],
    goalShown: boolean,
  ): void {
    const index = state?.step ?? 0;
    const step = lesson.steps[index];
    const progress = lesson.steps.map((one, i) =>
      h(
        'li',
        {
          ...{ class: i < index ? 'done' : i === index ? 'now' : '', title: one.title },
          ...(i === index ? { 'aria-current': 'step' } : {}),
        },
        unseen(`${one.title}${i < index ? ' (done)' : ''}`),
      ),
    );
    const head = [
      h('h2', { tabindex: '-1' }, lesson.title),
      h('ol', { class: 'progress', 'aria-label': 'Steps' }, ...progress),
    ];
    if (step === undefined) {
      fill(
        this.body,
        ...head,
        h('p', { class: 'good' }, 'You have done all steps of this lesson.'),
        state?.score === undefined ? undefined : h('p', { class: 'good score' }, state.score),
        ...paragraphs(lesson.epilogue),
        this.buttons(false),
      );
      return;
    }
    const hints = step.hints.slice(0, state?.hints ?? 0);
    fill(
      this.body,
      ...head,
      ...(index === 0 ? paragraphs(lesson.story) : []),
      h('h3', {}, `Step ${index + 1} of ${lesson.steps.length}: ${step.title}`),
      ...paragraphs(step.task),
      this.question(lesson, index),
      h('h4', {}, 'Live checks'),
      h(
        'ul',
        { class: 'checks' },
        ...(state?.verdicts ?? step.requirements.map((text) => ({ text, holds: false }))).map(
          ({ text, holds }) =>
            h(
              'li',
              { class: holds ? 'holds' : 'fails' },
              sign(holds ? '✓' : '○'),
              h('span', {}, unseen(holds ? 'reached: ' : 'missing: '), text),
            ),
        ),
      ),
      ...hints.map((text, i) => h('p', { class: 'hint' }, h('strong', {}, `Hint ${i + 1}: `), text)),
      ...(this.solution === index
        ? step.solution.map(({ command: line, why }) =>
            h('div', { class: 'solution' }, command(line), h('p', {}, why)),
          )
        : []),
      goalShown && missing.length > 0
        ? h(
            'div',
            { class: 'missing' },
            h('strong', {}, 'The goal has also: '),
            missing.slice(0, 8).join('; '),
          )
        : undefined,
      this.output === '' ? undefined : h('pre', { class: 'output', tabindex: '0' }, this.output),
      this.buttons(true, step.hints.length > hints.length, index, goalShown),
    );
  }

  /** Which interface will the packet of this step leave by? Asked before, answered by the picture. */
  private question(lesson: LessonInfo, index: number): HTMLElement | undefined {
    const step = lesson.steps[index];
    const words = step?.solution.map(({ command: line }) => line).join('\n') ?? '';
    const asked = predictions.find(({ when }) => when.test(words));
    if (step === undefined || asked === undefined) return undefined;
    const key = `${lesson.name} ${step.id}`;
    const given = this.answered.get(key);
    return h(
      'fieldset',
      { class: 'predict' },
      h('legend', {}, `Predict first: ${asked.question}`),
      ...asked.answers.map((answer, i) => {
        const button = h(
          'button',
          {
            class: given === undefined ? '' : i === asked.right ? 'right' : answer === given ? 'wrong' : '',
            'aria-pressed': String(answer === given),
            'data-act': `answer-${i}`,
            click: () => {
              this.answered.set(key, answer);
              announce(
                `${i === asked.right ? 'Right' : `Not quite: ${asked.answers[asked.right] ?? ''}`}. ${asked.because}`,
              );
              this.redraw?.();
            },
          },
          given === undefined ? undefined : i === asked.right ? '✓ ' : answer === given ? '✗ ' : undefined,
          answer,
        );
        return button;
      }),
      given === undefined ? undefined : h('p', {}, asked.because),
    );
  }

  redraw: (() => void) | undefined;

  private buttons(running: boolean, moreHints = false, index = 0, goalShown = false): HTMLElement {
    const act = (word: 'check' | 'hint' | 'next') => (): void => {
      void this.actions.ask(word).then((output) => {
        this.output = word === 'next' && typeof output === 'string' ? output : '';
        this.redraw?.();
        this.actions.answered(word);
      });
    };
    return h(
      'div',
      { class: 'buttons' },
      ...(running
        ? [
            h('button', { click: act('hint'), off: !moreHints }, 'Hint'),
            h(
              'button',
              {
                'data-act': 'show',
                'aria-expanded': String(this.solution === index),
                click: () => {
                  this.solution = this.solution === index ? -1 : index;
                  if (this.solution === index) void this.actions.ask('show');
                  this.redraw?.();
                },
              },
              this.solution === index ? 'Hide' : 'Show',
            ),
            h('button', { click: act('next') }, 'Do it for me'),
            h('button', { click: act('check') }, 'Check now'),
            h('button', { 'aria-pressed': String(goalShown), click: () => this.actions.goal() }, 'Goal'),
          ]
        : []),
      h('button', { click: () => this.actions.reset() }, 'Reset'),
      h('button', { click: () => this.actions.end() }, 'End'),
    );
  }
}

const paragraphs = (text: string): readonly HTMLElement[] =>
  text
    .split('\n\n')
    .filter((part) => part.trim() !== '')
    .map((part) => (/^ {2,}|[─│┌╔]/m.test(part) ? h('pre', { tabindex: '0' }, part) : h('p', {}, part)));
