/**
 * Panels are drawn anew with each answer. Who uses the keyboard must not be thrown back to the start of the page by
 * that: the control with the same name gets the focus, or the one at the same place, or else the panel.
 */
const CONTROLS = 'a[href], button, input, textarea, summary, [tabindex]';

export function keepFocus(parent: Element, change: () => void): void {
  const held = document.activeElement;
  if (!(held instanceof HTMLElement) || held === parent || !parent.contains(held)) {
    change();
    return;
  }
  const before = controlsOf(parent);
  const name = nameOf(held);
  const nth = before.filter((one) => nameOf(one) === name).indexOf(held);
  const index = before.indexOf(held);
  change();
  if (document.activeElement === held) return;
  const after = controlsOf(parent);
  const same = after.filter((one) => nameOf(one) === name);
  const target = parent.contains(held)
    ? held
    : (same[nth] ?? same[0] ?? after[Math.min(index, after.length - 1)]);
  target?.focus({ preventScroll: true });
  if (!parent.contains(document.activeElement)) focusRegion(parent);
}

/** The part of the page around an element. */
export function focusRegion(element: Element): void {
  element.parentElement?.closest<HTMLElement>('[tabindex]')?.focus({ preventScroll: true });
}

const controlsOf = (parent: Element): readonly HTMLElement[] => [
  ...parent.querySelectorAll<HTMLElement>(CONTROLS),
];

/** What a control is for. Its text may change when it is pressed. */
const nameOf = (element: HTMLElement): string => {
  const { act, lesson, place } = element.dataset;
  return act ?? lesson ?? place ?? element.getAttribute('aria-label') ?? element.textContent ?? '';
};
