/**
 * The keyboard in the picture. One of its parts (a box, an interface's row, a cable) is in the order of Tab; arrow keys
 * go from part to part, Enter opens the details. A part keeps the focus while it exists; then its neighbour gets it.
 */
import { nearest, neighbour, type Direction, type Place } from '../../picture/neighbours.ts';
import type { PanZoom } from '../pan-zoom.ts';

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowUp: 'up',
  ArrowDown: 'down',
  ArrowLeft: 'left',
  ArrowRight: 'right',
};

export interface NodeEvents {
  readonly chosen: (key: string) => void;
  readonly left: () => void;
}

export class Nodes {
  private places: readonly Place[] = [];
  private elements: ReadonlyMap<string, SVGGElement> = new Map();
  private current: Place | undefined;
  private came: string | undefined;

  constructor(
    private readonly frame: SVGSVGElement,
    private readonly view: PanZoom,
    private readonly events: NodeEvents,
  ) {
    frame.addEventListener('focusin', ({ target }) => this.entered(target as Element));
    frame.addEventListener('keydown', (event) => this.onKey(event));
  }

  /** Whether a part has the focus: to be asked before the picture is drawn anew. */
  get hasFocus(): boolean {
    return document.activeElement !== this.frame && this.frame.contains(document.activeElement);
  }

  update(places: readonly Place[], elements: ReadonlyMap<string, SVGGElement>, hadFocus: boolean): void {
    this.places = places;
    this.elements = elements;
    const before = this.current;
    this.current =
      before === undefined
        ? places[0]
        : (places.find(({ key }) => key === before.key) ?? nearest(places, before));
    for (const [key, element] of elements)
      element.setAttribute('tabindex', key === this.current?.key ? '0' : '-1');
    if (!hadFocus) return;
    const element = this.elements.get(this.current?.key ?? '') ?? this.frame;
    if (document.activeElement !== element) element.focus({ preventScroll: true });
  }

  /** The part that had the focus last, or this one. */
  focus(key = this.current?.key): void {
    (this.elements.get(key ?? '') ?? this.frame).focus({ preventScroll: true });
  }

  private entered(target: Element): void {
    const key = target.closest('[data-node]')?.getAttribute('data-node');
    const place = this.places.find((one) => one.key === key);
    if (place === undefined) return;
    if (place.key !== this.current?.key) {
      this.came = this.current?.key;
      this.elements.get(this.came ?? '')?.setAttribute('tabindex', '-1');
      this.elements.get(place.key)?.setAttribute('tabindex', '0');
      this.current = place;
    }
    if (target.matches(':focus-visible')) this.view.reveal(place.x, place.y);
  }

  private onKey(event: KeyboardEvent): void {
    const { current } = this;
    if (event.target === this.frame || current === undefined) return;
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const direction = ARROWS[event.key];
    if (direction !== undefined) this.go(neighbour(this.places, current, direction, this.came));
    else if (event.key === 'Home') this.go(this.places[0]);
    else if (event.key === 'End') this.go(this.places.at(-1));
    else if (event.key === 'Enter' || event.key === ' ') this.events.chosen(current.key);
    else if (event.key === 'Escape') this.events.left();
    else return;
    event.preventDefault();
  }

  private go(place: Place | undefined): void {
    if (place !== undefined) this.elements.get(place.key)?.focus({ preventScroll: true });
  }
}
