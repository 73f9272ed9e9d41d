/**
 * Spans of time, reported to a listener when they end (src/io/ writes them to a file, src/teach/ shows those of
 * steps). Without a listener a span only calls its work and never reads the clock.
 *
 * Times are of the machine's clock, so that those of several processes can stand side by side. Spans of one lane of a
 * process lie within each other or apart: work that begins beside work of the same parent gets a lane of its own, and
 * so does what turns out to go on after its parent (which must hold no spans itself).
 */
export type SpanKind = 'start' | 'state' | 'step' | 'undo' | 'process' | 'wait' | 'answer' | 'image' | 'work';

export type SpanArgs = Readonly<Record<string, unknown>>;

export interface Span {
  readonly type: 'span';
  readonly kind: SpanKind;
  readonly name: string;
  /** Milliseconds since 1970, exact to a microsecond. */
  readonly begin: number;
  readonly ms: number;
  /** A step's hold its `steps` (several when one process did them together) and its `outcome`. */
  readonly args: SpanArgs;
  readonly lane: number;
  /** Where it is not this process's own. */
  readonly pid?: number;
}

export type TraceEvent =
  | Span
  | { readonly type: 'name'; readonly pid: number; readonly name: string }
  /** A program's life, reported in two halves, since no process may watch all of it. */
  | { readonly type: 'begin' | 'end'; readonly pid: number; readonly name: string; readonly args: SpanArgs };

export type TraceListener = (event: TraceEvent) => void;

/** Adds to the arguments of the span that is being measured. */
export type Note = (args: SpanArgs) => void;

interface Scope {
  readonly lane: number;
  /** Something of this scope is under way in its lane. */
  taken: boolean;
  ended: boolean;
}

/** Carries the caller's scope through promises: an AsyncLocalStorage, which few processes load. */
export interface ScopeCarrier {
  getStore(): unknown;
  run<T>(scope: unknown, work: () => T): T;
}

/** Lets a process that is about to be started know when that was; what it returns takes that back. */
export type StartMark = (now: number) => () => void;

const listeners: TraceListener[] = [];
const lanes = new Set<number>([0]);
const root: Scope = { lane: 0, taken: false, ended: false };
/** Above any lane that is taken at a beginning. */
let lateLane = 100;
let carrier: ScopeCarrier | undefined;
let markStart: StartMark = () => () => undefined;

/** Listens until the returned function is called. Without `scopes` everything is in one lane. */
export function listenToTrace(listener: TraceListener, scopes?: ScopeCarrier): () => void {
  listeners.push(listener);
  carrier ??= scopes;
  return () => void listeners.splice(listeners.indexOf(listener), 1);
}

export const isTraced = (): boolean => listeners.length > 0;

/** Milliseconds since 1970, exact to a microsecond; 0 without a listener. */
export const traceClock = (): number => (listeners.length === 0 ? 0 : clock());

const clock = (): number => performance.timeOrigin + performance.now();

/** Does `work`, which may return a promise, and reports its duration. */
export function span<T>(kind: SpanKind, name: string, work: (note: Note) => T, args?: SpanArgs): T {
  return listeners.length === 0 ? work(ignore) : measure(kind, name, work, args);
}

/** The same for what has begun before, at `begin` of traceClock, and ends now. */
export function spanSince(begin: number, kind: SpanKind, name: string, args: SpanArgs = {}): void {
  if (listeners.length === 0) return;
  const { lane } = currentScope();
  tellTrace({ type: 'span', kind, name, begin, ms: clock() - begin, args, lane });
}

/** Starts a process of ours. */
export function spanStart<T>(name: string, start: () => T): T {
  if (listeners.length === 0) return start();
  const unmark = markStart(clock());
  try {
    return span('process', name, start);
  } finally {
    unmark();
  }
}

/** How the processes that spanStart starts get to know when they were. */
export function markStartsBy(mark: StartMark): void {
  markStart = mark;
}

/** Forwards an event of another process. */
export function tellTrace(event: TraceEvent): void {
  for (const listener of listeners) listener(event);
}

function measure<T>(kind: SpanKind, name: string, work: (note: Note) => T, given: SpanArgs = {}): T {
  let args = given;
  const note: Note = (more) => {
    args = { ...args, ...more };
  };
  const parent = currentScope();
  const { scope, leave } = enter(parent);
  const begin = clock();
  const end = (): void => {
    const ms = clock() - begin;
    leave();
    scope.ended = true;
    const lane = parent.ended ? lateLane++ : scope.lane;
    tellTrace({ type: 'span', kind, name, begin, ms, args, lane });
  };
  const fail = (error: unknown): never => {
    note({ error: error instanceof Error ? error.message : String(error) });
    end();
    throw error;
  };
  try {
    const result = carrier === undefined ? work(note) : carrier.run(scope, () => work(note));
    if (result instanceof Promise) {
      return result.then((value: unknown) => {
        end();
        return value;
      }, fail) as T;
    }
    end();
    return result;
  } catch (error) {
    return fail(error);
  }
}

const currentScope = (): Scope => (carrier?.getStore() as Scope | undefined) ?? root;

const newScope = (lane: number): Scope => ({ lane, taken: false, ended: false });

function enter(parent: Scope): { scope: Scope; leave: () => void } {
  if (carrier === undefined) return { scope: newScope(0), leave: ignore };
  if (!parent.taken) {
    parent.taken = true;
    return { scope: newScope(parent.lane), leave: () => (parent.taken = false) };
  }
  let lane = 1;
  while (lanes.has(lane)) lane += 1;
  lanes.add(lane);
  return { scope: newScope(lane), leave: () => lanes.delete(lane) };
}

const ignore = (): void => undefined;
