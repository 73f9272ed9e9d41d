/**
 * F6 goes from one region of the page to the next, Shift-F6 back: the way out of a terminal, whose shell needs Tab. A
 * region gives the focus to what had it last there, else to its most likely control, else takes it itself.
 */
import { byId } from '../dom.ts';

/** In the order of the page, each with what has the focus first, if it is there. */
const REGIONS: readonly (readonly [string, ...string[]])[] = [
  ['top', '#places [aria-current]', 'button'],
  ['left', '[aria-current]', 'summary'],
  ['middle', '#picture [tabindex="0"]', '#picture'],
  ['strip', 'button'],
  ['shell', '.shell-holder:not([hidden]) textarea', '.new-terminal'],
  ['right'],
  ['timeline', 'input'],
];

/** The id of the region around an element; '' for none. */
export const regionOf = (element: Element | null): string =>
  REGIONS.find(([id]) => byId(id).contains(element))?.[0] ?? '';

export function listenForRegions(): void {
  const last = new Map<string, Element>();
  document.addEventListener('focusin', ({ target }) => {
    last.set(regionOf(target as Element), target as Element);
  });
  // In the capture phase: a terminal would keep it.
  document.addEventListener(
    'keydown',
    (event) => {
      if (event.key !== 'F6' || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      event.stopPropagation();
      if (document.querySelector('dialog[open]') !== null) return;
      const here = regionOf(document.activeElement);
      const at = REGIONS.findIndex(([id]) => id === here);
      const next = event.shiftKey ? Math.max(at, 0) - 1 + REGIONS.length : at + 1;
      const [id, ...first] = REGIONS[next % REGIONS.length] ?? ['top'];
      focusIn(byId(id), last.get(id), first);
    },
    true,
  );
  const dialog = byId('keys') as HTMLDialogElement;
  byId('open-keys').addEventListener('click', () => dialog.showModal());
  byId('close-keys').addEventListener('click', () => dialog.close());
}

function focusIn(region: HTMLElement, last: Element | undefined, first: readonly string[]): void {
  const isThere = last !== undefined && region.contains(last) && last.getClientRects().length > 0;
  // Of the picture, the part that is in the order of Tab now.
  const isPart = last?.getAttribute('tabindex') === '-1' && last !== region;
  const found = first
    .map((selector) => region.querySelector<HTMLElement>(selector))
    .find((one) => one !== null);
  const target = isThere && !isPart ? (last as HTMLElement) : (found ?? region);
  target.focus({ preventScroll: true });
  if (!region.contains(document.activeElement)) region.focus({ preventScroll: true });
}
