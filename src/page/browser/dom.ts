/** Elements without HTML: text is only ever a text node, so no name of a container can become an element. */
import { keepFocus } from './keyboard/keep-focus.ts';

type Child = Node | string | undefined;

export interface Attributes {
  readonly class?: string;
  readonly title?: string;
  readonly click?: (event: MouseEvent) => void;
  /** A button that does nothing now. It keeps the focus, as a disabled one would not. */
  readonly off?: boolean;
  readonly [name: string]: string | ((event: MouseEvent) => void) | boolean | undefined;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name === 'off') element.setAttribute('aria-disabled', 'true');
    else if (typeof value === 'function') {
      if (attributes.off !== true) element.addEventListener(name, value as EventListener);
    } else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.filter((child) => child !== undefined));
  return element;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string | number>> = {},
): SVGElementTagNameMap[K] {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  return element;
}

/** The focus stays with the control that stands for the same thing as the one that had it. */
export function fill(parent: Element, ...children: readonly Child[]): void {
  keepFocus(parent, () => parent.replaceChildren(...children.filter((child) => child !== undefined)));
}

/** Words for a screen reader only, beside a sign that is for the eyes. */
export const unseen = (words: string): HTMLElement => h('span', { class: 'unseen' }, words);
export const sign = (text: string): HTMLElement => h('span', { class: 'sign', 'aria-hidden': 'true' }, text);

/** A button was pressed with a key, or by a screen reader: there is no pointer that says where the user looks. */
export const isByKey = ({ detail }: MouseEvent): boolean => detail === 0;

/** @throws Error for an element that page.html lacks. */
export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`page.html has no #${id}`);
  return found;
}

/** A command line, with a button that copies it. */
export function command(text: string): HTMLElement {
  const copy = h('button', { class: 'copy', title: 'Copy', 'aria-label': `Copy: ${text}` }, 'copy');
  copy.addEventListener('click', () => {
    void navigator.clipboard.writeText(text).then(() => {
      copy.textContent = 'copied';
    });
  });
  return h('div', { class: 'command' }, h('code', {}, text), copy);
}

export const reducedMotion = (): boolean => matchMedia('(prefers-reduced-motion: reduce)').matches;
