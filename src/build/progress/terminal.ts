/**
 * The live view: one line for each instruction with its time, redrawn in place; below one that runs the last line of
 * its output.
 *
 *     [+] Building 2.1s (3/4)
 *      => CACHED [build 2/3] COPY . /src                     0.0s
 *      => [build 3/3] RUN make                               1.9s
 *      => => cc -o main main.c
 *
 * What does not fit on the screen gives way: a cursor cannot move up past its top. The end is drawn in full.
 */
import { printable } from '../../../runtime/printable.ts';
import type { BuildEvent, View } from './report.ts';

/** The needed part of a terminal; tests pass their own. */
export interface ViewTerminal {
  readonly columns: number;
  readonly rows: number;
  writeRaw(text: string): void;
}

interface Line {
  readonly name: string;
  readonly begin: number;
  end: number | undefined;
  how: 'running' | 'done' | 'cached' | 'failed';
  output: string;
  /** The last lines, for one that fails. */
  readonly last: string[];
  readonly notes: string[];
}

const REDRAW = 100;
/** Lines of output that a failed instruction shows. */
const KEPT = 20;

export class TerminalView implements View {
  private readonly lines = new Map<number, Line>();
  private readonly begin = performance.now();
  private timer: NodeJS.Timeout | undefined;
  private drawn = 0;

  constructor(private readonly terminal: ViewTerminal) {}

  event(event: BuildEvent): void {
    this.take(event);
    this.timer ??= setInterval(() => this.draw(this.picture(false)), REDRAW).unref();
  }

  finish(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.draw(this.picture(true));
    // What comes now stands below.
    this.drawn = 0;
  }

  private take(event: BuildEvent): void {
    const { number, name } = event.vertex;
    const line = this.lines.get(number);
    switch (event.type) {
      case 'started':
        this.lines.set(number, {
          name,
          begin: event.time,
          end: undefined,
          how: 'running',
          output: '',
          last: [],
          notes: [],
        });
        break;
      case 'note':
        line?.notes.push(event.text);
        break;
      case 'output': {
        if (line === undefined) return;
        const texts = (line.output + event.bytes.toString()).split('\n');
        line.output = (texts.pop() ?? '').slice(-4096);
        line.last.push(...texts);
        line.last.splice(0, line.last.length - KEPT);
        break;
      }
      case 'ended':
        if (line === undefined) return;
        line.end = event.time;
        line.how = event.how;
    }
  }

  private picture(isLast: boolean): readonly string[] {
    const all = [...this.lines.values()];
    const ended = all.filter(({ end }) => end !== undefined).length;
    const seconds = ((performance.now() - this.begin) / 1000).toFixed(1);
    const finished = isLast && ended === all.length ? ' FINISHED' : '';
    const head = `[+] Building ${seconds}s (${String(ended)}/${String(all.length)})${finished}`;
    const room = isLast ? Infinity : Math.max(1, (this.terminal.rows || 24) - 2);
    let shown = all.map((line) => this.linesOf(line, isLast));
    // Those that have ended give way first, oldest first.
    for (let at = 0; at < all.length && shown.flat().length > room; at++)
      if (all[at]?.end !== undefined) shown = shown.with(at, []);
    return [head, ...shown.flat().slice(0, room)];
  }

  private linesOf(line: Line, isLast: boolean): readonly string[] {
    const mark = line.how === 'cached' ? 'CACHED ' : line.how === 'failed' ? 'ERROR ' : '';
    const time = `${(((line.end ?? performance.now()) - line.begin) / 1000).toFixed(1)}s`;
    // The last column stays empty: a full line would wrap on some terminals and count as two.
    const width = Math.max(20, (this.terminal.columns || 80) - 1);
    const name = fit(` => ${mark}${line.name}`, width - time.length - 1);
    const rows = [
      `${name.padEnd(width - time.length)}${time}`,
      ...line.notes.map((text) => fit(` => => ${text}`, width)),
    ];
    const running = line.how === 'running' && !isLast;
    const output =
      line.how === 'failed' ? [...line.last, line.output] : [line.output || (line.last.at(-1) ?? '')];
    if (!running && line.how !== 'failed') return rows;
    return [
      ...rows,
      ...output.filter((text) => text.trim() !== '').map((text) => fit(` => => # ${text}`, width)),
    ];
  }

  private draw(picture: readonly string[]): void {
    const up = this.drawn === 0 ? '' : `\u001b[${String(this.drawn)}A`;
    this.terminal.writeRaw(`${up}${picture.map((line) => `\r\u001b[K${line}\n`).join('')}\u001b[J`);
    this.drawn = picture.length;
  }
}

/** One row: without what a program's output could do to the terminal. */
function fit(text: string, width: number): string {
  const line = printable(text.replace(/\r$/, '').replace(/^.*\r/, '').replace(/\t/g, ' ')).replace(
    /\n/g,
    ' ',
  );
  const chars = [...line];
  return chars.length <= width ? line : `${chars.slice(0, Math.max(1, width - 1)).join('')}…`;
}
