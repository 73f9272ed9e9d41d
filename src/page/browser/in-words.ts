/** The picture in words: a summary that describes it to a screen reader, and the whole of it behind a button. */
import type { Words } from '../picture/words.ts';
import { fill, h } from './dom.ts';

export class InWords {
  private words: Words | undefined;
  private readonly list = h('div', {
    class: 'words',
    tabindex: '0',
    role: 'group',
    'aria-label': 'In words',
  });

  constructor(
    private readonly summary: HTMLElement,
    private readonly body: HTMLElement,
  ) {
    fill(body, h('summary', {}, 'In words'), this.list);
    body.addEventListener('toggle', () => this.draw());
  }

  set(words: Words): void {
    this.words = words;
    if (this.summary.textContent !== words.summary) this.summary.textContent = words.summary;
    this.draw();
  }

  private draw(): void {
    if (!this.body.hasAttribute('open') || this.words === undefined) return;
    fill(
      this.list,
      h('p', {}, this.words.summary),
      ...this.words.list.flatMap(({ title, lines }) => [
        h('h3', {}, title),
        h('ul', {}, ...lines.map((line) => h('li', {}, line))),
      ]),
    );
  }
}
