/** What stands beside the picture of the machine itself. */
import { fill, h } from './dom.ts';

export const drawMachine = (body: HTMLElement, actions: boolean): void =>
  fill(
    body,
    h('h2', { tabindex: '-1' }, 'This machine'),
    h(
      'p',
      {},
      'The picture is what the kernel has now. Choose a part, with a click or with Enter, to see the command that shows it; pick two ends to send a packet.',
    ),
    h(
      'p',
      { class: 'quiet' },
      actions
        ? 'This page may act on the machine (--allow-actions).'
        : 'This page only looks at the machine; it acts in labs.',
    ),
  );
