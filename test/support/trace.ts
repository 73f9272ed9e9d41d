/** Reads what MINIDOCK_TRACE has written, as a viewer of the Trace Event Format's array form does. */
import { readFileSync } from 'node:fs';

export interface TracedSpan {
  readonly process: string;
  readonly thread: string;
  readonly tid: number;
  readonly kind: string;
  readonly name: string;
  /** Milliseconds since 1970. */
  readonly begin: number;
  readonly end: number;
  readonly args: Readonly<Record<string, unknown>>;
}

interface Event {
  readonly ph: string;
  readonly cat?: string;
  readonly name: string;
  readonly ts: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  readonly args: Readonly<Record<string, unknown>>;
}

/** The array's end may be missing, and a comma before it too many. */
export function readEvents(path: string): readonly Event[] {
  return JSON.parse(`${readFileSync(path, 'utf8').replace(/,\s*$/, '')}]`) as Event[];
}

/** In the order of their beginnings, what holds others before them. A life without an end is left out. */
export function readTrace(path: string): readonly TracedSpan[] {
  const events = readEvents(path);
  const nameOf = (kind: string, matches: (event: Event) => boolean): string => {
    const event = events.find((candidate) => candidate.name === kind && matches(candidate));
    return (event?.args['name'] as string | undefined) ?? 'without a name';
  };
  return events
    .flatMap((event) => {
      const last =
        event.ph === 'X'
          ? event.ts + (event.dur ?? 0)
          : event.ph === 'B'
            ? events.find(({ ph, tid }) => ph === 'E' && tid === event.tid)?.ts
            : undefined;
      if (last === undefined) return [];
      return {
        process: nameOf('process_name', ({ pid }) => pid === event.pid),
        tid: event.tid,
        thread: nameOf('thread_name', ({ tid }) => tid === event.tid),
        kind: event.cat ?? '',
        name: event.name,
        begin: event.ts / 1000,
        end: last / 1000,
        args: event.args,
      };
    })
    .sort((a, b) => a.begin - b.begin || b.end - a.end);
}

/** Of each thread, what overlaps something without lying within it. */
export function overlaps(spans: readonly TracedSpan[]): readonly string[] {
  const open = new Map<number, TracedSpan[]>();
  return spans.flatMap((span) => {
    const around = (open.get(span.tid) ?? []).filter(({ end }) => end > span.begin);
    open.set(span.tid, [...around, span]);
    const cut = around.filter(({ end }) => end < span.end);
    return cut.map(({ name }) => `${span.process} ${span.thread}: ${span.name} goes on after ${name}`);
  });
}
