/**
 * The picture: the shapes of `minidock graph --format svg` as elements. Parts keep their keys from one model to the
 * next, so that a part moves to its new place instead of being drawn anew; new ones fade in, old ones fade out.
 */
import { layOut, type Layout } from '../../diagnose/graph/layout.ts';
import type { EndRef, Model } from '../../diagnose/graph/model.ts';
import { refKey } from '../../diagnose/graph/model.ts';
import { middleOf, partsOf, px, CELL, type Part, type Shape } from '../../diagnose/graph/shapes.ts';
import { reducedMotion, svg } from './dom.ts';
import { PanZoom } from './pan-zoom.ts';

export type Selection =
  | { readonly kind: 'namespace'; readonly inode: number }
  | { readonly kind: 'interface'; readonly ref: EndRef }
  | { readonly kind: 'cable'; readonly key: string };

export interface Point {
  readonly x: number;
  readonly y: number;
}

interface Drawn {
  readonly group: SVGGElement;
  readonly origin: Point;
  readonly words: ReadonlySet<string>;
}

const MOVE_MS = 350;
const FADE_MS = 450;

export class Picture {
  readonly view: PanZoom;
  readonly overlay = svg('g', { class: 'overlay' });
  private readonly content = svg('g');
  private drawn = new Map<string, Drawn>();
  private layout: Layout | undefined;
  private model: Model | undefined;

  constructor(
    frame: SVGSVGElement,
    private readonly selected: (selection: Selection | undefined) => void,
  ) {
    frame.append(this.content);
    this.content.append(svg('g', { class: 'boxes' }), svg('g', { class: 'cables' }), this.overlay);
    this.view = new PanZoom(frame, this.content);
    frame.addEventListener('click', (event) => {
      if (event.target === frame) this.selected(undefined);
    });
  }

  draw(model: Model, missing: ReadonlySet<string>): void {
    const layout = layOut(model, { width: 'natural' });
    const first = this.layout === undefined;
    this.layout = layout;
    this.model = model;
    const before = this.drawn;
    this.drawn = new Map();
    for (const [key, parts] of byKey(partsOf(layout))) {
      const cable = parts[0]?.kind === 'cable';
      this.put(key, parts, cable, before.get(key), missing, first);
    }
    for (const [key, { group }] of before) if (!this.drawn.has(key)) fadeOut(group);
    this.view.setSize(px(layout.width), layout.height * CELL.height);
  }

  /** The border's point next to an interface's row, at the cable's side. */
  placeOf(ref: EndRef): Point | undefined {
    const row = this.layout?.lines.find((line) => line.ref !== undefined && refKey(line.ref) === refKey(ref));
    const box = this.layout?.boxes.find(({ key }) => key === row?.box);
    if (row === undefined || box === undefined) return undefined;
    const isHost = ref.inode === this.model?.here;
    return middleOf({ x: isHost ? box.x + box.width - 1 : box.x, y: row.y });
  }

  /** The middle of a box. */
  boxOf(inode: number): Point | undefined {
    const box = this.layout?.boxes.find(({ key }) => key === String(inode));
    return box === undefined
      ? undefined
      : middleOf({ x: box.x + box.width / 2, y: box.y + box.height / 2 - 0.5 });
  }

  /** The corners of a cable, from one of its ends. */
  cableFrom(from: EndRef, to: EndRef): readonly Point[] {
    const keys = [`${refKey(from)}-${refKey(to)}`, `${refKey(to)}-${refKey(from)}`];
    const route = this.layout?.cables.find(({ key }) => keys.includes(key));
    const points = (route?.points ?? []).map(middleOf);
    const start = this.placeOf(from);
    const [first] = points;
    const backwards = start !== undefined && first !== undefined && Math.abs(first.x - start.x) > 12;
    return backwards || first?.y !== start?.y ? [...points].reverse() : points;
  }

  mark(selection: Selection | undefined): void {
    for (const element of this.content.querySelectorAll('.selected')) element.classList.remove('selected');
    const key =
      selection === undefined
        ? undefined
        : selection.kind === 'cable'
          ? selection.key
          : String(selection.kind === 'namespace' ? selection.inode : selection.ref.inode);
    if (key !== undefined) this.drawn.get(key)?.group.classList.add('selected');
  }

  private put(
    key: string,
    parts: readonly Part[],
    cable: boolean,
    before: Drawn | undefined,
    missing: ReadonlySet<string>,
    first: boolean,
  ): void {
    const shapes = parts.flatMap((part) => part.shapes);
    const origin = originOf(shapes);
    const words = new Set(shapes.map(wordOf));
    const group = before?.group ?? this.newGroup(key, cable);
    const old = cable ? group.querySelector('path')?.getAttribute('d') : undefined;
    group.replaceChildren(...shapes.map((shape) => this.element(shape, missing)));
    group.classList.toggle('ghost', missing.has(key));
    const title = parts.flatMap(({ shapes: [, , name] }) => name?.text ?? [])[0] ?? '';
    group.setAttribute('aria-label', cable ? 'cable' : title);
    this.drawn.set(key, { group, origin, words });
    if (first || reducedMotion()) return;
    if (before === undefined) {
      group.animate([{ opacity: 0 }, { opacity: 1 }], { duration: FADE_MS });
      return;
    }
    for (const [index, shape] of shapes.entries()) {
      if (shape.text !== undefined && !before.words.has(wordOf(shape))) flash(group.children[index]);
    }
    if (cable) {
      const now = group.querySelector('path')?.getAttribute('d');
      if (old !== undefined && old !== null && now !== old) {
        group.querySelector('path')?.animate([{ d: `path("${old}")` }, { d: `path("${now ?? ''}")` }], {
          duration: MOVE_MS,
          easing: 'ease',
        });
      }
      return;
    }
    const [dx, dy] = [before.origin.x - origin.x, before.origin.y - origin.y];
    if (dx === 0 && dy === 0) return;
    group.animate([{ transform: `translate(${dx}px, ${dy}px)` }, { transform: 'none' }], {
      duration: MOVE_MS,
      easing: 'ease',
    });
  }

  private newGroup(key: string, cable: boolean): SVGGElement {
    const group = svg('g', { class: cable ? 'cable' : 'box', tabindex: 0, role: 'button', 'data-key': key });
    this.content.querySelector(cable ? '.cables' : '.boxes')?.append(group);
    const select = (event: Event): void => {
      const ref = (event.target as Element).getAttribute('data-ref');
      const [inode = 0, index = 0] = (ref ?? '').split('/').map(Number);
      if (cable) this.selected({ kind: 'cable', key });
      else if (ref === null) this.selected({ kind: 'namespace', inode: Number(key) });
      else this.selected({ kind: 'interface', ref: { inode, index } });
    };
    group.addEventListener('click', select);
    group.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== ' ') return;
      event.preventDefault();
      select(event);
    });
    return group;
  }

  private element(
    { tag, at, fill, stroke, dashed, bold, text, ref }: Shape,
    missing: ReadonlySet<string>,
  ): Element {
    const key = ref === undefined ? '' : refKey(ref);
    const classes = [
      fill === undefined ? 'no-fill' : `fill-${fill}`,
      ...(stroke === undefined ? [] : [`stroke-${stroke.ink}`]),
      ...(bold === true ? ['bold'] : []),
      ...(missing.has(key) ? ['ghost'] : []),
    ];
    const element = svg(tag, {
      ...at,
      class: classes.join(' '),
      ...(stroke === undefined ? {} : { 'stroke-width': stroke.width }),
      ...(dashed === true ? { 'stroke-dasharray': '5 4' } : {}),
      ...(ref === undefined ? {} : { 'data-ref': key }),
    });
    // The kernel has not given a ghost its number yet.
    const isNumber = missing.has(key) && text?.startsWith('#') === true;
    if (text !== undefined) element.textContent = isNumber ? '#?' : text;
    return element;
  }
}

function byKey(parts: readonly Part[]): ReadonlyMap<string, readonly Part[]> {
  const found = new Map<string, Part[]>();
  for (const part of parts) found.set(part.key, [...(found.get(part.key) ?? []), part]);
  return found;
}

const originOf = ([first]: readonly Shape[]): Point => ({
  x: Number(first?.at['x'] ?? 0),
  y: Number(first?.at['y'] ?? 0),
});

const wordOf = ({ ref, text = '' }: Shape): string => `${ref === undefined ? '' : refKey(ref)} ${text}`;

function flash(element: Element | undefined): void {
  element?.animate([{ opacity: 0.1 }, { opacity: 1 }], { duration: FADE_MS, iterations: 2 });
}

function fadeOut(group: SVGGElement): void {
  group.removeAttribute('data-key');
  const remove = (): void => group.remove();
  if (reducedMotion()) remove();
  else group.animate([{ opacity: 1 }, { opacity: 0 }], { duration: FADE_MS }).finished.then(remove, remove);
}
