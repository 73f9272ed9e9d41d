/**
 * The picture: the shapes of `minidock graph --format svg` as elements. Parts keep their keys from one model to the
 * next, so that a part moves to its new place instead of being drawn anew; new ones fade in, old ones fade out.
 */
import { layOut, type Layout } from '../../diagnose/graph/layout.ts';
import type { EndRef, Model } from '../../diagnose/graph/model.ts';
import { refKey } from '../../diagnose/graph/model.ts';
import { middleOf, partsOf, px, CELL, type Part, type Shape } from '../../diagnose/graph/shapes.ts';
import { placesOf } from '../picture/neighbours.ts';
import { cableNode, type Words } from '../picture/words.ts';
import { isByKey, reducedMotion, svg } from './dom.ts';
import { Nodes } from './keyboard/nodes.ts';
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
  private readonly nodes: Nodes;
  /** By their keys, boxes, rows of interfaces and cables: what can have the focus. */
  private elements = new Map<string, SVGGElement>();
  private drawn = new Map<string, Drawn>();
  private layout: Layout | undefined;
  private model: Model | undefined;

  constructor(
    frame: SVGSVGElement,
    private readonly selected: (selection: Selection | undefined, byKey: boolean) => void,
  ) {
    frame.append(this.content);
    this.content.append(svg('g', { class: 'boxes' }), svg('g', { class: 'cables' }), this.overlay);
    this.view = new PanZoom(frame, this.content);
    frame.addEventListener('click', (event) => {
      if (event.target === frame) this.selected(undefined, false);
    });
    this.nodes = new Nodes(frame, this.view, {
      chosen: (key) => this.selected(selectionOf(key), true),
      left: () => this.selected(undefined, true),
    });
  }

  /** The part that had the focus last, or the box of a namespace. */
  focus(inode?: number): void {
    this.nodes.focus(inode === undefined ? undefined : String(inode));
  }

  draw(model: Model, missing: ReadonlySet<string>, words: Words): void {
    const { hasFocus } = this.nodes;
    const layout = layOut(model, { width: 'natural' });
    const first = this.layout === undefined;
    this.layout = layout;
    this.model = model;
    const before = this.drawn;
    const nodesBefore = this.elements;
    this.drawn = new Map();
    this.elements = new Map();
    for (const [key, parts] of byKey(partsOf(layout))) {
      const cable = parts[0]?.kind === 'cable';
      this.put(key, parts, cable, before.get(key), nodesBefore, missing, first);
    }
    for (const [key, element] of this.elements)
      element.setAttribute('aria-label', words.parts.get(key) ?? key);
    for (const [key, { group }] of before) if (!this.drawn.has(key)) fadeOut(group);
    this.nodes.update(placesOf(layout), this.elements, hasFocus);
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
    nodesBefore: ReadonlyMap<string, SVGGElement>,
    missing: ReadonlySet<string>,
    first: boolean,
  ): void {
    const shapes = parts.flatMap((part) => part.shapes);
    const origin = originOf(shapes);
    const words = new Set(shapes.map(wordOf));
    const group = before?.group ?? this.newGroup(key, cable);
    const old = cable ? group.querySelector('path')?.getAttribute('d') : undefined;
    const elements = new Map(shapes.map((shape) => [shape, this.element(shape, missing)]));
    const inGroup: Element[] = [];
    for (const [node, own] of nodesOf(parts, key, cable)) {
      const element = cable ? group : (nodesBefore.get(node) ?? svg('g'));
      element.replaceChildren(...own.flatMap((shape) => elements.get(shape) ?? []));
      if (node !== '') {
        this.elements.set(node, element);
        element.classList.add('node');
        element.setAttribute('data-node', node);
        element.setAttribute('role', 'button');
      }
      if (!cable) inGroup.push(element);
    }
    if (!cable) order(group, inGroup);
    group.classList.toggle('ghost', missing.has(key));
    this.drawn.set(key, { group, origin, words });
    if (first || reducedMotion()) return;
    if (before === undefined) {
      group.animate([{ opacity: 0 }, { opacity: 1 }], { duration: FADE_MS });
      return;
    }
    for (const [shape, element] of elements) {
      if (shape.text !== undefined && !before.words.has(wordOf(shape))) flash(element);
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
    const group = svg('g', { class: cable ? 'cable' : 'box', 'data-key': key });
    this.content.querySelector(cable ? '.cables' : '.boxes')?.append(group);
    group.addEventListener('click', (event) => {
      const node = (event.target as Element).closest('[data-node]')?.getAttribute('data-node');
      this.selected(selectionOf(node ?? key), isByKey(event));
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

function selectionOf(node: string): Selection {
  const [, cable] = /^cable (.*)$/.exec(node) ?? [];
  if (cable !== undefined) return { kind: 'cable', key: cable };
  const [inode = 0, index] = node.split('/').map(Number);
  return index === undefined ? { kind: 'namespace', inode } : { kind: 'interface', ref: { inode, index } };
}

/** The shapes of each node of a part, '' for those of none; from back to front. */
function nodesOf(parts: readonly Part[], key: string, cable: boolean): ReadonlyMap<string, readonly Shape[]> {
  const found = new Map<string, Shape[]>();
  for (const { kind, shapes } of parts) {
    for (const shape of shapes) {
      const own = kind === 'box' ? key : shape.ref === undefined ? '' : refKey(shape.ref);
      const node = cable ? cableNode(key) : own;
      found.set(node, [...(found.get(node) ?? []), shape]);
    }
  }
  return found;
}

/** What stays is not taken out, since it may have the focus. */
function order(parent: Element, children: readonly Element[]): void {
  for (const child of [...parent.children]) if (!children.includes(child)) child.remove();
  let at = parent.firstElementChild;
  for (const child of children) {
    if (child === at) at = at.nextElementSibling;
    else parent.insertBefore(child, at);
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

function flash(element: Element): void {
  element.animate([{ opacity: 0.1 }, { opacity: 1 }], { duration: FADE_MS, iterations: 2 });
}

function fadeOut(group: SVGGElement): void {
  group.removeAttribute('data-key');
  group.setAttribute('aria-hidden', 'true');
  for (const node of [group, ...group.querySelectorAll('[data-node]')])
    for (const name of ['data-node', 'tabindex', 'role']) node.removeAttribute(name);
  const remove = (): void => group.remove();
  if (reducedMotion()) remove();
  else group.animate([{ opacity: 1 }, { opacity: 0 }], { duration: FADE_MS }).finished.then(remove, remove);
}
