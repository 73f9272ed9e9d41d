/** The panel of the part that was clicked: commands that show it, the step that makes it, facts, counters that tick. */
import type { Model } from '../../diagnose/graph/model.ts';
import { aboutCable, aboutInterface, aboutNamespace, type About } from '../picture/about.ts';
import type { StageStep } from '../messages.ts';
import { command, fill, h } from './dom.ts';
import type { Selection } from './picture.ts';

export interface DetailActions {
  counters(inode: number, index: number): Promise<unknown>;
  /** As an end of a packet's way. */
  sender(inode: number): void;
  target(inode: number): void;
  xRay(name: string): void;
}

const TICK_MS = 1000;

export class Details {
  private timer: number | undefined;
  private last: Counters | undefined;

  constructor(
    private readonly body: HTMLElement,
    private readonly actions: DetailActions,
  ) {}

  show(model: Model, selection: Selection, steps: readonly StageStep[]): void {
    window.clearInterval(this.timer);
    this.last = undefined;
    const about = aboutOf(model, selection);
    if (about === undefined) {
      fill(this.body, h('p', { class: 'quiet' }, 'This part is gone.'));
      return;
    }
    const counters = h('table', { class: 'counters' });
    const made = stepFor(about, steps) ?? about.made;
    fill(
      this.body,
      h('h2', { tabindex: '-1' }, about.title),
      ...this.buttons(model, selection),
      h('h3', { class: 'minor' }, 'See it'),
      ...about.look.map(command),
      ...(made === undefined
        ? []
        : [h('h3', { class: 'minor' }, 'Made by'), command(made.command), h('p', {}, made.why)]),
      h(
        'table',
        { class: 'facts' },
        ...about.facts.map(([name, value]) =>
          h('tr', {}, h('th', { scope: 'row' }, name), h('td', {}, value)),
        ),
      ),
      counters,
    );
    if (selection.kind !== 'interface') return;
    const { inode, index } = selection.ref;
    const tick = (): void => {
      this.actions.counters(inode, index).then(
        (now) => this.drawCounters(counters, now as Counters),
        () => window.clearInterval(this.timer),
      );
    };
    tick();
    this.timer = window.setInterval(tick, TICK_MS);
  }

  hide(): void {
    window.clearInterval(this.timer);
  }

  private buttons(model: Model, selection: Selection): readonly HTMLElement[] {
    if (selection.kind === 'cable') return [];
    const inode = selection.kind === 'namespace' ? selection.inode : selection.ref.inode;
    const namespace = model.namespaces.find((one) => one.inode === inode);
    const name = namespace?.containers[0]?.name;
    return [
      h(
        'div',
        { class: 'buttons' },
        h('button', { click: () => this.actions.sender(inode) }, 'Packet from here'),
        h('button', { click: () => this.actions.target(inode) }, 'Packet to here'),
        name === undefined ? undefined : h('button', { click: () => this.actions.xRay(name) }, 'X-ray'),
      ),
    ];
  }

  private drawCounters(table: HTMLElement, now: Counters): void {
    const before = this.last ?? now;
    this.last = now;
    const row = (
      name: string,
      way: 'rx' | 'tx',
      what: 'packets' | 'bytes' | 'dropped' | 'errors',
    ): HTMLElement => {
      const value = now[way][what];
      const ticked = value !== before[way][what];
      return h(
        'tr',
        { class: ticked ? 'ticked' : '' },
        h('th', { scope: 'row' }, name),
        h('td', {}, value.toLocaleString('en')),
      );
    };
    fill(
      table,
      row('received packets', 'rx', 'packets'),
      row('received bytes', 'rx', 'bytes'),
      row('sent packets', 'tx', 'packets'),
      row('sent bytes', 'tx', 'bytes'),
      row('dropped', 'rx', 'dropped'),
    );
  }
}

type Way = Readonly<Record<'packets' | 'bytes' | 'dropped' | 'errors', number>>;
interface Counters {
  readonly rx: Way;
  readonly tx: Way;
}

function aboutOf(model: Model, selection: Selection): About | undefined {
  switch (selection.kind) {
    case 'namespace':
      return aboutNamespace(model, selection.inode);
    case 'interface':
      return aboutInterface(model, selection.ref);
    case 'cable':
      return aboutCable(model, selection.key);
  }
}

/** On stage the very step that made the part: the first whose command has its name. */
function stepFor({ made }: About, steps: readonly StageStep[]): About['made'] {
  const words = made?.command.split(' ').filter((word) => /\d/.test(word)) ?? [];
  const step = steps.find(({ command: line }) => words.some((word) => line.includes(word)));
  return step === undefined ? undefined : { command: step.command, why: step.why };
}
