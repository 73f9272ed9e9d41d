/**
 * What a pull or a push shows of its layers. On a terminal one line for each, redrawn in place:
 *
 *     4f4fb700ef54: Pull complete
 *     0c01b9a1b2c3: Downloading [==========>                    ]  12.4MB/31.0MB
 *
 * Elsewhere one plain line for each phase that begins, without the bytes. Lines are cut to the terminal's width, and
 * when there are more layers than rows, finished ones give way: a cursor cannot move up past the top of the screen.
 */
import type { PullEvent, PullPhase } from '../../images/pull.ts';
import type { PushEvent, PushPhase } from '../../images/push.ts';
import { ellipsis, humanSize } from './human.ts';

export interface Progress<Event> {
  readonly event: (event: Event) => void;
  /** Draws the final state in full. Calling it again does nothing. */
  readonly finish: () => void;
}

/** What is known of one layer, in words. */
interface LayerLine {
  readonly layer: string;
  readonly words: string;
  readonly current: number;
  readonly total: number;
  /** Bytes are moving: there is a bar. */
  readonly busy: boolean;
  readonly done: boolean;
  /** Also where there is no terminal. */
  readonly plain: boolean;
}

/** The needed part of a terminal; tests pass their own. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
  writeRaw(text: string): unknown;
}

const REDRAW_MS = 80;
const LONGEST_BAR = 50;
const SHORTEST_BAR = 8;

const PULL_WORDS: Readonly<Record<PullPhase, string>> = {
  pulling: 'Pulling fs layer',
  waiting: 'Waiting',
  downloading: 'Downloading',
  verifying: 'Verifying Checksum',
  extracting: 'Extracting',
  complete: 'Pull complete',
  exists: 'Already exists',
};

const PUSH_WORDS: Readonly<Record<PushPhase, string>> = {
  preparing: 'Preparing',
  waiting: 'Waiting',
  compressing: 'Compressing',
  pushing: 'Pushing',
  pushed: 'Pushed',
  exists: 'Layer already exists',
  mounted: 'Mounted from',
};

export function createPullProgress(output: ProgressStream): Progress<PullEvent> {
  return createProgress(output, ({ phase, ...event }) => ({
    ...event,
    words: PULL_WORDS[phase],
    busy: phase === 'downloading' || phase === 'extracting',
    done: phase === 'complete' || phase === 'exists',
    plain: phase === 'pulling' || phase === 'complete' || phase === 'exists',
  }));
}

export function createPushProgress(output: ProgressStream): Progress<PushEvent> {
  return createProgress(output, ({ phase, from, ...event }) => ({
    ...event,
    words: from === undefined ? PUSH_WORDS[phase] : `${PUSH_WORDS[phase]} ${from}`,
    busy: phase === 'pushing',
    done: phase === 'pushed' || phase === 'exists' || phase === 'mounted',
    plain: phase !== 'pushing' && phase !== 'compressing',
  }));
}

function createProgress<Event>(output: ProgressStream, lineOf: (event: Event) => LayerLine): Progress<Event> {
  const show = output.isTTY === true ? new Picture(output) : plainLines(output);
  return { event: (event) => show.event(lineOf(event)), finish: () => show.finish() };
}

/** For a log: each phase once, without progress. */
function plainLines(output: ProgressStream): Progress<LayerLine> {
  const told = new Map<string, string>();
  return {
    event: ({ layer, words, plain }) => {
      if (told.get(layer) === words) return;
      told.set(layer, words);
      if (plain) output.writeRaw(`${layer}: ${words}\n`);
    },
    finish: () => undefined,
  };
}

class Picture implements Progress<LayerLine> {
  private readonly layers = new Map<string, LayerLine>();
  private timer: NodeJS.Timeout | undefined;
  private drawn = 0;
  private drawnAt = 0;
  private finished = false;

  constructor(private readonly output: ProgressStream) {}

  readonly event = (event: LayerLine): void => {
    this.layers.set(event.layer, event);
    if (this.finished || this.timer !== undefined) return;
    const wait = Math.max(0, this.drawnAt + REDRAW_MS - Date.now());
    this.timer = setTimeout(() => {
      this.timer = undefined;
      this.draw(this.visible());
    }, wait);
    this.timer.unref();
  };

  readonly finish = (): void => {
    if (this.finished) return;
    this.finished = true;
    clearTimeout(this.timer);
    this.draw([...this.layers.values()].map((event) => this.line(event)));
  };

  private draw(lines: readonly string[]): void {
    const back = this.drawn === 0 ? '' : `\u001b[${this.drawn}A`;
    // Moves to the line's start and clears everything below: lines may wrap when the window shrinks.
    this.output.writeRaw(`${back}\r\u001b[J${lines.map((line) => `${line}\n`).join('')}`);
    this.drawn = lines.length;
    this.drawnAt = Date.now();
  }

  private visible(): readonly string[] {
    const all = [...this.layers.values()];
    const room = (this.output.rows || 24) - 1;
    if (all.length <= room) return all.map((event) => this.line(event));
    const busy = all.filter(({ done }) => !done).slice(0, Math.max(1, room - 1));
    const more = this.cut(`${all.length - busy.length} more layers waiting or complete`);
    return [...busy.map((event) => this.line(event)), more];
  }

  private line({ layer, words, busy, current, total }: LayerLine): string {
    const head = `${layer}: ${words}`;
    if (!busy || total <= 0) return this.cut(head);
    const numbers = `${humanSize(current)}/${humanSize(total)}`;
    // Numbers change their length as they grow; bars that jump about are hard to read.
    const room = this.width() - head.length - ' [>]  '.length - '999.9MB/999.9MB'.length;
    const cells = Math.min(LONGEST_BAR, room);
    return this.cut(
      cells < SHORTEST_BAR ? `${head} ${numbers}` : `${head} ${bar(current / total, cells)}  ${numbers}`,
    );
  }

  /** The last column stays empty: a full line would wrap on some terminals and count as two. */
  private cut(line: string): string {
    return ellipsis(line, this.width());
  }

  private width(): number {
    return Math.max(10, (this.output.columns || 80) - 1);
  }
}

/** `[=====>    ]` with `cells` places for the shaft. */
function bar(fraction: number, cells: number): string {
  const full = Math.max(0, Math.min(cells, Math.floor(fraction * cells)));
  return full === cells ? `[${'='.repeat(cells + 1)}]` : `[${'='.repeat(full)}>${' '.repeat(cells - full)}]`;
}
