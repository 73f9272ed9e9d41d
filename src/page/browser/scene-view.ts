/**
 * One scene's picture with its timeline, search, groups, selection and the ghost of a goal: what is drawn of the models
 * that come in.
 */
import type { Model } from '../../diagnose/graph/model.ts';
import type { SceneId } from '../messages.ts';
import { ghost } from '../picture/ghost.ts';
import { group, matches } from '../picture/grouping.ts';
import { wordsFor } from '../picture/words.ts';
import { byId, fill, h } from './dom.ts';
import { InWords } from './in-words.ts';
import { Picture, type Selection } from './picture.ts';
import { Timeline } from './timeline.ts';

export interface SceneEvents {
  readonly selected: (selection: Selection | undefined, byKey: boolean) => void;
  /** What is missing for the goal may have changed. */
  readonly drawn: () => void;
}

export class SceneView {
  /** As drawn: with groups, and with the parts of the goal. */
  shown: Model | undefined;
  goalShown = false;
  missing: readonly string[] = [];
  readonly picture = new Picture(byId('picture') as unknown as SVGSVGElement, (one, byKey) =>
    this.select(one, byKey),
  );
  private readonly inWords = new InWords(byId('picture-words'), byId('in-words'));
  private at: SceneId = '';
  private lessonStep = 0;
  private selection: Selection | undefined;
  private groups: ReadonlyMap<number, number> = new Map();
  private readonly open = new Set<number>();
  private readonly goals = new Map<string, Model>();
  private readonly search = byId('search') as HTMLInputElement;
  private readonly timeline = new Timeline(byId('timeline'), (model, live) => this.draw(model, live));

  constructor(private readonly events: SceneEvents) {
    const { view } = this.picture;
    this.search.addEventListener('input', () => {
      this.redraw();
      this.showFound();
    });
    this.search.addEventListener('keydown', ({ key }) => {
      if (key === 'Enter' && this.found !== undefined) this.picture.focus(this.found.inode);
    });
    fill(
      byId('zoom'),
      h('button', { 'aria-label': 'Closer', click: () => view.zoom(1.25) }, '+'),
      h('button', { 'aria-label': 'Farther', click: () => view.zoom(0.8) }, '−'),
      h('button', { 'aria-label': 'Fit', click: () => view.fit() }, '⤢'),
    );
  }

  clear(at: SceneId): void {
    this.at = at;
    this.goalShown = false;
    this.selection = undefined;
    this.open.clear();
    this.timeline.clear();
  }

  add(model: Model): void {
    this.timeline.add(model);
  }

  addGoal(step: number, model: Model): void {
    this.goals.set(`${this.at} ${step}`, model);
    this.redraw();
  }

  set step(step: number) {
    this.lessonStep = step;
    if (this.goalShown) this.redraw();
  }

  /** Whether the goals must be asked for. */
  toggleGoal(): boolean {
    this.goalShown = !this.goalShown;
    this.redraw();
    return this.goalShown && !this.goals.has(`${this.at} 0`);
  }

  private get found(): (Selection & { readonly kind: 'namespace' }) | undefined {
    // The host has the other end of each cable, under a similar name.
    const [host, ...others] = this.shown?.namespaces ?? [];
    const inOrder = host === undefined ? [] : [...others, host];
    const first = inOrder.find((namespace) => matches(namespace, this.query));
    return first === undefined ? undefined : { kind: 'namespace', inode: first.inode };
  }

  private get query(): string {
    return this.search.value.trim();
  }

  private redraw(): void {
    const { now } = this.timeline;
    if (now !== undefined) this.draw(now, true);
  }

  private draw(model: Model, live: boolean): void {
    const goal = this.goalShown && live ? this.goals.get(`${this.at} ${this.lessonStep}`) : undefined;
    const ghosted = goal === undefined ? { model, missing: new Set<string>(), list: [] } : ghost(model, goal);
    this.missing = ghosted.list;
    const keep = new Set(this.selection?.kind === 'namespace' ? [this.selection.inode] : []);
    const grouped = group(ghosted.model, { open: this.open, query: this.query, keep });
    this.groups = grouped.groups;
    this.shown = grouped.model;
    const words = wordsFor(grouped.model, ghosted.missing);
    this.picture.draw(grouped.model, ghosted.missing, words);
    this.inWords.set(words);
    this.picture.mark(this.found ?? this.selection);
    byId('picture').classList.toggle('past', !live);
    if (this.goalShown) this.events.drawn();
  }

  /** Moves to the first match. */
  private showFound(): void {
    const { found } = this;
    const place = found === undefined ? undefined : this.picture.boxOf(found.inode);
    if (place !== undefined) this.picture.view.centre(place.x, place.y);
  }

  private select(selection: Selection | undefined, byKey: boolean): void {
    const bridge = this.groups.get(inodeOf(selection));
    if (bridge !== undefined) {
      this.open.add(bridge);
      this.redraw();
      return;
    }
    this.selection = selection;
    this.picture.mark(selection);
    this.events.selected(selection, byKey);
  }
}

function inodeOf(selection: Selection | undefined): number {
  if (selection?.kind === 'namespace') return selection.inode;
  return selection?.kind === 'interface' ? selection.ref.inode : 0;
}
