/** The pictures since a scene was opened: each change of the kernel is a point; the last one is now. */
import type { Model } from '../../diagnose/graph/model.ts';
import { fill, h } from './dom.ts';

const MOST = 300;

export class Timeline {
  private models: { readonly model: Model; readonly at: Date }[] = [];
  /** undefined: now. */
  private index: number | undefined;
  private readonly range = h('input', {
    type: 'range',
    min: '0',
    'aria-label': 'Timeline: the state after each change',
  });
  private readonly word = h('span');
  private readonly toNow = h('button', { click: () => this.go(this.models.length - 1) }, 'Now');

  constructor(
    body: HTMLElement,
    private readonly show: (model: Model, live: boolean) => void,
  ) {
    this.range.addEventListener('input', () => this.go(Number(this.range.value)));
    fill(
      body,
      h('span', { class: 'label' }, 'Timeline'),
      h('button', { click: () => this.go(this.at - 1), 'aria-label': 'The state before' }, '◀'),
      this.range,
      h('button', { click: () => this.go(this.at + 1), 'aria-label': 'The state after' }, '▶'),
      this.word,
      this.toNow,
    );
    this.update();
  }

  clear(): void {
    this.models = [];
    this.index = undefined;
    this.update();
  }

  add(model: Model): void {
    this.models.push({ model, at: new Date() });
    if (this.models.length > MOST) {
      this.models.shift();
      if (this.index !== undefined) this.index = Math.max(0, this.index - 1);
    }
    this.update();
    if (this.index === undefined) this.show(model, true);
  }

  get now(): Model | undefined {
    return this.models.at(-1)?.model;
  }

  private get at(): number {
    return this.index ?? Math.max(0, this.models.length - 1);
  }

  private go(index: number): void {
    const last = this.models.length - 1;
    this.index = index >= last ? undefined : Math.max(0, index);
    const shown = this.models[this.at];
    if (shown !== undefined) this.show(shown.model, this.index === undefined);
    this.update();
  }

  private update(): void {
    const live = this.index === undefined;
    this.range.max = String(Math.max(0, this.models.length - 1));
    this.range.value = String(this.at);
    this.word.className = live ? 'live' : 'past';
    const state = `${this.at + 1} of ${this.models.length}`;
    this.range.setAttribute('aria-valuetext', live ? `${state}, live` : state);
    this.word.textContent = live
      ? `live, ${this.models.length} ${this.models.length === 1 ? 'state' : 'states'}`
      : `as of ${this.models[this.at]?.at.toLocaleTimeString() ?? ''}`;
    this.toNow.setAttribute('aria-disabled', String(live));
  }
}
