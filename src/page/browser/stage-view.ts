/**
 * A start on stage: the steps of a command line as cards in chapters. Play does one after the other, step does one,
 * back undoes the last one by its own undo command, in the lab. Three levels of detail; repetitions are folded.
 */
import { difference, Folding } from '../../teach/explain/fold.ts';
import type { StageAt, StageStep, StageTell } from '../messages.ts';
import { command, fill, h, reducedMotion, sign, unseen } from './dom.ts';
import { keepFocus } from './keyboard/keep-focus.ts';

export interface StageActions {
  open(words: readonly string[]): Promise<unknown>;
  step(): Promise<unknown>;
  back(): Promise<unknown>;
  end(): Promise<unknown>;
}

type Level = 'chapters' | 'steps' | 'everything';
const LEVELS: readonly Level[] = ['chapters', 'steps', 'everything'];

const PLAY_MS = 900;
/** For a start: it serves a page of the lab's image. */
const EXAMPLE = 'run -d --name web -p 8080:80 page /bin/busybox httpd -f -p 80 -h /www';

export class StageView {
  private chapters: readonly Chapter[] = [];
  /** As drawn, each with what it was drawn from: a step changes one or two of twenty chapters. */
  private drawn: { readonly key: string; readonly element: HTMLElement }[] = [];
  private at: StageAt | undefined;
  private level: Level = 'steps';
  private playing = false;
  private failure = '';
  private readonly line = h('input', {
    type: 'text',
    value: EXAMPLE,
    'aria-label': 'The command line after "minidock"',
    spellcheck: 'false',
  });
  private readonly controls = h('div', { class: 'stage-controls' });
  private readonly note = h('p', { role: 'status', class: 'stage-note' });
  private readonly failed = h('p', { class: 'bad', role: 'alert' });
  private readonly cards = h('div', { class: 'cards' }, this.note, this.failed);

  constructor(
    body: HTMLElement,
    private readonly actions: StageActions,
  ) {
    const form = h(
      'form',
      { class: 'stage-line' },
      h('label', {}, 'minidock ', this.line),
      h('button', { type: 'submit' }, 'Set the stage'),
    );
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.act(() => this.actions.open(wordsOf(this.line.value)));
    });
    fill(body, h('h2', { tabindex: '-1' }, 'A start on stage'), form, this.controls, this.cards);
    this.draw();
  }

  set({ steps }: StageTell): void {
    this.steps = steps;
    this.chapters = chapters(steps);
    this.drawn = [];
    fill(this.cards, this.note, this.failed);
  }

  move(at: StageAt): void {
    this.at = at;
    if (at.state === 'ended') this.playing = false;
    this.draw();
  }

  steps: readonly StageStep[] = [];

  private async act(action: () => Promise<unknown>): Promise<void> {
    this.failure = '';
    try {
      await action();
    } catch (error) {
      this.playing = false;
      this.failure = (error as Error).message;
    }
    this.draw();
  }

  private async play(): Promise<void> {
    this.playing = !this.playing;
    this.draw();
    while (this.playing && this.at?.state === 'waiting') {
      await this.act(() => this.actions.step());
      await new Promise((resolve) => setTimeout(resolve, reducedMotion() ? PLAY_MS / 3 : PLAY_MS));
    }
    this.playing = false;
    this.draw();
  }

  private draw(): void {
    const { at } = this;
    const waits = at?.state === 'waiting';
    const off = !waits || this.playing;
    fill(
      this.controls,
      h(
        'button',
        {
          'data-act': 'back',
          off: off || at.done === 0,
          click: () => void this.act(() => this.actions.back()),
        },
        '◀ Back',
      ),
      h(
        'button',
        { 'data-act': 'play', off: !waits, click: () => void this.play() },
        this.playing ? '❚❚ Pause' : '▶ Play',
      ),
      h(
        'button',
        { 'data-act': 'step', off, click: () => void this.act(() => this.actions.step()) },
        'Step ▸',
      ),
      h(
        'button',
        {
          'data-act': 'end',
          off: !(waits || (at?.state === 'ended' && at.done > 0)),
          click: () => void this.act(() => this.actions.end()),
        },
        'Undo all',
      ),
      h(
        'span',
        { class: 'levels', role: 'group', 'aria-label': 'Detail' },
        ...LEVELS.map((level) =>
          h(
            'button',
            {
              'aria-pressed': String(level === this.level),
              click: () => {
                this.level = level;
                this.draw();
              },
            },
            level,
          ),
        ),
      ),
    );
    this.note.textContent =
      at === undefined
        ? 'Set the stage: the lab starts, and its steps stand here before anything is done.'
        : `${at.done} of ${this.steps.length} steps done. ${at.note}`;
    this.failed.textContent = this.failure;
    this.failed.hidden = this.failure === '';
    this.drawChapters(at?.done ?? 0);
  }

  private drawChapters(done: number): void {
    keepFocus(this.cards, () => this.exchangeChapters(done));
  }

  private exchangeChapters(done: number): void {
    let changed = false;
    for (const [index, chapter] of this.chapters.entries()) {
      const { first, steps } = chapter;
      const key = `${this.level} ${Math.min(Math.max(done, first - 1), first + steps.length)}`;
      const before = this.drawn[index];
      if (before?.key === key) continue;
      const element = this.chapter(chapter, done);
      if (before === undefined) this.cards.append(element);
      else before.element.replaceWith(element);
      this.drawn[index] = { key, element };
      changed = true;
    }
    if (changed) this.cards.querySelector('.card.next')?.scrollIntoView({ block: 'center' });
  }

  private chapter({ title, first, steps }: Chapter, done: number): HTMLElement {
    const last = first + steps.length;
    const state = done >= last ? 'done' : done >= first && done < last ? 'now' : '';
    const head = h(
      'h3',
      { class: state },
      title,
      h('small', {}, ` ${Math.max(0, Math.min(steps.length, done - first))}/${steps.length}`),
    );
    if (this.level === 'chapters') return h('section', { class: `chapter ${state}` }, head);
    const cards = fold(steps).map(({ step, index, same }) =>
      this.card(step, first + index, first + index + same.length, done, same),
    );
    return h('section', { class: `chapter ${state}` }, head, ...cards);
  }

  private card(
    step: StageStep,
    index: number,
    last: number,
    done: number,
    same: readonly string[],
  ): HTMLElement {
    const state = done > last ? 'done' : done >= index && done <= last ? 'next' : '';
    const full = this.level === 'everything' || state === 'next';
    return h(
      'article',
      {
        class: `card ${state}`,
        'data-step': step.id,
        ...(state === 'next' ? { 'aria-current': 'step' } : {}),
      },
      h(
        'h4',
        {},
        ...(state === 'done' ? [sign('✓ '), unseen('done: ')] : []),
        ...(state === 'next' ? [sign('▸ '), unseen('next: ')] : []),
        `${index + 1}. ${step.title}`,
      ),
      command(step.command),
      same.length === 0
        ? undefined
        : h('p', { class: 'folded' }, `the same for ${[...new Set(same)].join(', ')}`),
      ...(full
        ? [
            h('p', {}, step.why),
            h('p', {}, h('span', { class: 'label' }, 'Without '), step.without),
            h('p', {}, h('span', { class: 'label' }, 'Undo '), h('code', {}, step.undo)),
            step.look === null
              ? undefined
              : h('p', {}, h('span', { class: 'label' }, 'Look '), h('code', {}, step.look)),
          ]
        : []),
    );
  }
}

/** Words as a shell splits them, with quotes; nothing else of a shell. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  );
}

interface Chapter {
  readonly title: string;
  readonly first: number;
  readonly steps: readonly StageStep[];
}

function chapters(steps: readonly StageStep[]): readonly Chapter[] {
  const found: { title: string; first: number; steps: StageStep[] }[] = [];
  for (const [index, step] of steps.entries()) {
    const last = found.at(-1);
    if (last?.title === step.section) last.steps.push(step);
    else found.push({ title: step.section, first: index, steps: [step] });
  }
  return found;
}

/** Steps that repeat others of the chapter belong to the card before them. */
function fold(
  steps: readonly StageStep[],
): readonly { readonly step: StageStep; readonly index: number; readonly same: readonly string[] }[] {
  const found: { step: StageStep; index: number; same: string[] }[] = [];
  const folding = new Folding();
  for (const [index, step] of steps.entries()) {
    const first = folding.repeated(step);
    if (first === undefined) found.push({ step, index, same: [] });
    else found.at(-1)?.same.push(difference(step, first));
  }
  return found;
}
