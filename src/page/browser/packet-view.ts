/**
 * A packet on its way: a dot that runs along the cables of the picture and stops at each hook of the host, the same
 * hooks on the strip below, its addresses beside both. At the rule that drops it it stays, with what to see and to do.
 */
import { cableAt, type EndRef, type Model } from '../../diagnose/graph/model.ts';
import type { Flight, Hop } from '../picture/packet.ts';
import { command, fill, h, reducedMotion, sign, svg, unseen } from './dom.ts';
import { announce } from './news.ts';
import type { Picture, Point } from './picture.ts';

const CABLE_MS = 700;
const HOOK_MS = 900;

export class PacketView {
  private run = 0;

  constructor(
    private readonly picture: Picture,
    private readonly strip: HTMLElement,
    private readonly model: () => Model | undefined,
  ) {}

  clear(): void {
    this.run += 1;
    this.picture.overlay.replaceChildren();
    fill(
      this.strip,
      h('p', { class: 'quiet' }, 'Send a packet: pick its two ends in the picture, or type them above.'),
    );
  }

  async play(flight: Flight): Promise<void> {
    const run = ++this.run;
    const over = (): boolean => run !== this.run;
    const chips = flight.hops.map((hop) => this.chip(hop));
    fill(
      this.strip,
      h(
        'div',
        { class: 'strip-head' },
        h('h2', { class: 'unseen' }, 'Packet'),
        `${flight.from} → ${flight.to.address}:${flight.to.port}`,
        h('button', { class: 'again', click: () => void this.play(flight) }, 'Play again'),
      ),
      h('ol', { class: 'hops', 'aria-label': 'Hooks that the packet meets' }, ...chips),
    );
    const dot = svg('g', { class: 'packet' });
    const label = svg('text', { class: 'packet-label', x: 12, y: -10 });
    dot.append(svg('circle', { r: 8 }), label);
    this.picture.overlay.replaceChildren(dot);
    const { start, end, host } = this.ways(flight);
    const place = (point: Point): void => dot.setAttribute('transform', `translate(${point.x} ${point.y})`);
    let at = start[0] ?? host;
    place(at);
    for (const point of start.slice(1)) {
      at = await this.move(at, point, place, over);
    }
    for (const [index, hop] of flight.hops.entries()) {
      if (over()) return;
      const last = index === flight.hops.length - 1;
      const arrives = last && flight.works;
      if (arrives) for (const point of end) at = await this.move(at, point, place, over);
      else if (index === 0) at = await this.move(at, host, place, over);
      for (const [i, chip] of chips.entries()) {
        chip.classList.toggle('now', i === index);
        if (i === index) chip.setAttribute('aria-current', 'step');
        else chip.removeAttribute('aria-current');
      }
      chips[index]?.classList.add('seen', hop.state);
      chips[index]?.prepend(...signOf(hop));
      chips[index]?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
      label.textContent = hop.source === '' ? hop.stage : `${hop.stage}  ${hop.source} → ${hop.destination}`;
      dot.setAttribute('class', `packet ${hop.changed ?? ''} ${hop.state}`);
      if (!last) await wait(HOOK_MS);
    }
    if (over()) return;
    this.strip.querySelector('.hops')?.before(this.outcome(flight));
    announce(`${titleOf(flight)}. ${flight.verdict}`);
    if (!flight.works) dot.append(svg('path', { d: 'M-6 -6L6 6M-6 6L6 -6', class: 'cross' }));
  }

  private outcome(flight: Flight): HTMLElement {
    const { works, verdict, see, fix } = flight;
    return h(
      'div',
      { class: works ? 'outcome good' : 'outcome bad' },
      h('h3', {}, titleOf(flight)),
      h('p', {}, verdict),
      ...(works || see === '' ? [] : [h('span', { class: 'label' }, 'See'), command(see)]),
      ...(works || fix === '' ? [] : [h('span', { class: 'label' }, 'Fix'), command(fix)]),
    );
  }

  private chip(hop: Hop): HTMLElement {
    const changed = hop.changed === undefined ? undefined : h('b', { class: hop.changed }, hop.changed);
    const way = hop.source === '' ? undefined : h('small', {}, `${hop.source} → ${hop.destination}`);
    return h(
      'li',
      { class: 'hop', title: hop.text, tabindex: '0' },
      h('span', {}, hop.stage),
      changed,
      way,
      h('div', { class: 'rules' }, hop.text),
    );
  }

  /** To the host, and from it to the target; the middle of the host. */
  private ways({ from, to }: Flight): { start: readonly Point[]; end: readonly Point[]; host: Point } {
    const model = this.model();
    const host = (model === undefined ? undefined : this.picture.boxOf(model.here)) ?? { x: 0, y: 0 };
    if (model === undefined) return { start: [host], end: [host], host };
    const sender = from === 'outside' ? uplinkPeer(model) : byLabel(model, from.replace(/^netns:/, ''));
    const target = byLabel(model, to.name.replace(/^netns:/, '')) ?? byAddress(model, to.address);
    return { start: this.wayFrom(model, sender), end: [...this.wayFrom(model, target)].reverse(), host };
  }

  private wayFrom(model: Model, inode: number | undefined): readonly Point[] {
    if (inode === undefined || inode === model.here) return [];
    const namespace = model.namespaces.find((one) => one.inode === inode);
    for (const { index } of namespace?.interfaces ?? []) {
      const end: EndRef = { inode, index };
      const other = cableAt(model, end)?.other;
      if (other?.inode === model.here) return this.picture.cableFrom(end, other);
    }
    const box = this.picture.boxOf(inode);
    return box === undefined ? [] : [box];
  }

  private move(from: Point, to: Point, place: (point: Point) => void, over: () => boolean): Promise<Point> {
    const way = Math.hypot(to.x - from.x, to.y - from.y);
    const duration = Math.min(CABLE_MS, 120 + way * 2);
    if (reducedMotion() || way < 1) {
      place(to);
      return Promise.resolve(to);
    }
    return new Promise((resolve) => {
      const begin = performance.now();
      const frame = (now: number): void => {
        const part = Math.min(1, Math.max(0, (now - begin) / duration));
        place({ x: from.x + (to.x - from.x) * part, y: from.y + (to.y - from.y) * part });
        if (part < 1 && !over()) requestAnimationFrame(frame);
        else resolve(to);
      };
      requestAnimationFrame(frame);
    });
  }
}

const titleOf = ({ works, stage }: Flight): string => (works ? 'It arrives' : `It stops at: ${stage}`);

const signOf = ({ state }: Hop): readonly HTMLElement[] =>
  state === 'ok'
    ? [sign('✓ '), unseen('passed: ')]
    : state === 'stop'
      ? [sign('✗ '), unseen('stopped: ')]
      : [];

const byLabel = (model: Model, name: string): number | undefined =>
  name === 'host'
    ? model.here
    : model.namespaces.find(
        ({ label, containers }) => label === name || containers.some((one) => one.name === name),
      )?.inode;

const byAddress = (model: Model, address: string): number | undefined =>
  model.namespaces.find(({ interfaces }) =>
    interfaces.some((link) => link.addresses.some((one) => one.split('/')[0] === address)),
  )?.inode;

/** The namespace behind the host's default route: a lab's outside. */
function uplinkPeer(model: Model): number | undefined {
  const [host] = model.namespaces;
  const device = host?.routes.find(({ destination }) => destination === 'default')?.device;
  const index = host?.interfaces.find(({ name }) => name === device)?.index;
  return index === undefined ? undefined : cableAt(model, { inode: model.here, index })?.other?.inode;
}

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, reducedMotion() ? milliseconds / 3 : milliseconds));
