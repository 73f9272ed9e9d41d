/** The map of lessons, and the task of the one that runs. */
import type { LessonInfo, LessonState, SceneId } from '../messages.ts';
import { command, fill, h } from './dom.ts';
import { predictions } from './predictions.ts';

const GROUPS: Readonly<Record<string, string>> = {
  cable: 'Cables',
  host: 'The host',
  bridge: 'Bridges',
  docker: 'As Docker does it',
  article: 'An article, row by row',
  puzzle: 'Puzzles',
  beyond: 'Beyond the network',
  cluster: 'Hosts and pods',
};

export function drawLessons(
  body: HTMLElement,
  lessons: readonly LessonInfo[],
  labs: readonly string[],
  at: SceneId,
  start: (name: string) => void,
): void {
  const groups = [...new Set(lessons.map(({ group }) => group))];
  fill(
    body,
    ...groups.map((group) => {
      const members = lessons.filter((lesson) => lesson.group === group);
      const finished = members.filter(isDone).length;
      const open = members.some(({ name }) => name === at) || (finished < members.length && finished > 0);
      return h(
        'details',
        { ...(open || group === groups[0] ? { open: true } : {}) },
        h('summary', {}, GROUPS[group] ?? group, h('small', {}, ` ${finished}/${members.length}`)),
        h(
          'ul',
          {},
          ...members.map((lesson) => lessonRow(lesson, labs, at, start)),
          group === 'puzzle' ? breakRow(start) : undefined,
        ),
      );
    }),
  );
}

function lessonRow(
  lesson: LessonInfo,
  labs: readonly string[],
  at: SceneId,
  start: (name: string) => void,
): HTMLElement {
  const { name, title, done, steps } = lesson;
  const mark = isDone(lesson) ? '✓' : name === at ? '▸' : done.length > 0 ? '◐' : '○';
  const words = isDone(lesson) ? 'done' : `${done.length} of ${steps.length} steps done`;
  return h(
    'li',
    {},
    h(
      'button',
      {
        class: name === at ? 'lesson shown' : 'lesson',
        'data-lesson': name,
        'aria-label': `${name}: ${title} (${words})`,
        click: () => start(name),
      },
      h('span', { class: 'mark', 'aria-hidden': 'true' }, mark),
      h('span', {}, name, h('small', {}, title)),
      labs.includes(name) ? h('i', { class: 'runs', title: 'Its lab runs' }) : undefined,
    ),
  );
}

/** Another network each time; its number is its name. */
const breakRow = (start: (name: string) => void): HTMLElement =>
  h(
    'li',
    {},
    h(
      'button',
      {
        class: 'lesson',
        'data-break': 'random',
        'aria-label': 'Break it: repair a random fault, for points',
        click: () => start(`break-${String(Math.floor(Math.random() * 1_000_000))}`),
      },
      h('span', { class: 'mark', 'aria-hidden': 'true' }, '?'),
      h('span', {}, 'break it', h('small', {}, 'A random fault, for points')),
    ),
  );

const isDone = ({ done, steps }: LessonInfo): boolean => steps.every(({ id }) => done.includes(id));

export interface TaskActions {
  ask(word: 'check' | 'hint' | 'show' | 'next'): Promise<unknown>;
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
      h('li', { class: i < index ? 'done' : i === index ? 'now' : '', title: one.title }),
    );
    const head = [
      h('h2', {}, lesson.title),
      h(
        'ol',
        {
          class: 'progress',
          'aria-label': `Step ${Math.min(index + 1, lesson.steps.length)} of ${lesson.steps.length}`,
        },
        ...progress,
      ),
    ];
    if (step === undefined) {
      fill(
        this.body,
        ...head,
        h('p', { class: 'good', role: 'status' }, 'You have done all steps of this lesson.'),
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
        { class: 'checks', 'aria-live': 'polite' },
        ...(state?.verdicts ?? step.requirements.map((text) => ({ text, holds: false }))).map(
          ({ text, holds }) =>
            h(
              'li',
              { class: holds ? 'holds' : 'fails' },
              h('span', { 'aria-label': holds ? 'reached' : 'missing' }, holds ? '✓' : '○'),
              h('span', {}, text),
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
      this.output === '' ? undefined : h('pre', { class: 'output' }, this.output),
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
            click: () => {
              this.answered.set(key, answer);
              this.redraw?.();
            },
          },
          answer,
        );
        return button;
      }),
      given === undefined ? undefined : h('p', { role: 'status' }, asked.because),
    );
  }

  redraw: (() => void) | undefined;

  private buttons(running: boolean, moreHints = false, index = 0, goalShown = false): HTMLElement {
    const act = (word: 'check' | 'hint' | 'next') => (): void => {
      void this.actions.ask(word).then((output) => {
        this.output = word === 'next' && typeof output === 'string' ? output : '';
        this.redraw?.();
      });
    };
    return h(
      'div',
      { class: 'buttons' },
      ...(running
        ? [
            h('button', { click: act('hint'), ...(moreHints ? {} : { disabled: true }) }, 'Hint'),
            h(
              'button',
              {
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
    .map((part) => (/^ {2,}|[─│┌╔]/m.test(part) ? h('pre', {}, part) : h('p', {}, part)));
