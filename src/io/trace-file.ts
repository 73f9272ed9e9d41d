/**
 * MINIDOCK_TRACE=FILE: a timeline of a command and all the processes it starts, in the Trace Event Format's array
 * form, one event a line, for Perfetto or chrome://tracing:
 *
 *     [
 *     {"ph":"X","cat":"step","name":"netns.create","ts":…,"dur":…,"pid":…,"tid":…,"args":{…}},
 *
 * Each event is one write(2) to the end of the file, made when the span ends: processes need not know of each other,
 * and what ended before a SIGKILL is kept. So the array is never closed, which the format allows ("the ] at the end
 * is optional"). A container's first process cannot reach the file; its supervisor writes its events.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { closeSync, constants, fstatSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  listenToTrace,
  markStartsBy,
  spanSince,
  tellTrace,
  type SpanArgs,
  type TraceEvent,
} from '../../runtime/trace.ts';
import { openOwnFile } from './own-file.ts';

/** The variable that tells a process of ours when it was started: time passes before any of its code runs. */
const SPAWNED = 'MINIDOCK_TRACE_SPAWNED';

/** Lanes become threads with numbers that no other thread has; a program's life has one of its own. */
const LANE = 1 << 23;
const LIFE = 255;

/**
 * From here to its end this process's spans go to the file. `name` is the process's. A write error is reported once,
 * to `warn`; the process continues without a trace.
 */
export function openTrace(
  path: string,
  name: string,
  argv: readonly string[],
  warn: (error: Error) => void,
): void {
  const begun = performance.timeOrigin + performance.now();
  const file = resolve(path);
  let fd: number;
  try {
    fd = openForAppending(file);
  } catch (error) {
    warn(error as Error);
    delete process.env['MINIDOCK_TRACE'];
    return;
  }
  // Children may have another working directory.
  process.env['MINIDOCK_TRACE'] = file;
  const created = Number(process.env[SPAWNED] ?? performance.timeOrigin);
  Reflect.deleteProperty(process.env, SPAWNED);
  markStartsBy((now) => {
    process.env[SPAWNED] = String(now);
    return () => void Reflect.deleteProperty(process.env, SPAWNED);
  });
  let broken = false;
  const write = (event: object): void => {
    if (broken) return;
    try {
      writeSync(fd, `${JSON.stringify(event)},\n`);
    } catch (error) {
      broken = true;
      warn(error as Error);
    }
  };
  const threads = new Set<string>();
  listenToTrace((event) => {
    for (const line of toLines(event, threads)) write(line);
  }, new AsyncLocalStorage());
  tellTrace({ type: 'name', pid: process.pid, name });
  const own = (begin: number, end: number, what: string, args: SpanArgs): void =>
    tellTrace({ type: 'span', kind: 'start', name: what, begin, ms: end - begin, args, lane: 0 });
  own(created, begun, 'start up', {});
  spanSince(begun, 'start', 'open the trace');
  process.on('exit', (status) =>
    own(created, performance.timeOrigin + performance.now(), name, { argv, status }),
  );
}

function openForAppending(file: string): number {
  const fd = openOwnFile(file);
  if (fstatSync(fd).size > 0) return fd;
  // At its place and not at the end: another command that begins the same file at this moment writes the same. Opened
  // through the descriptor, since there may be another file of that name by now.
  const beginning = openSync(`/proc/self/fd/${String(fd)}`, constants.O_WRONLY);
  writeSync(beginning, '[\n', 0);
  closeSync(beginning);
  return fd;
}

/** Names come before what they name. Times are whole microseconds; an end is rounded as a beginning is. */
function* toLines(event: TraceEvent, threads: Set<string>): Generator<object> {
  const pid = event.pid ?? process.pid;
  if (event.type === 'name') {
    yield { ph: 'M', name: 'process_name', pid, tid: pid, args: { name: event.name } };
    return;
  }
  const lane = event.type === 'span' ? event.lane : LIFE;
  const tid = pid + lane * LANE;
  if (!threads.has(`${pid} ${lane}`)) {
    threads.add(`${pid} ${lane}`);
    const thread = lane === 0 ? 'main' : lane === LIFE ? 'program' : `beside ${lane}`;
    yield { ph: 'M', name: 'thread_name', pid, tid, args: { name: thread } };
  }
  const { name, args } = event;
  if (event.type === 'span') {
    const [ts, end] = [event.begin, event.begin + event.ms].map(toMicroseconds) as [number, number];
    yield { ph: 'X', cat: event.kind, name, ts, dur: end - ts, pid, tid, args };
    return;
  }
  const ts = toMicroseconds(performance.timeOrigin + performance.now());
  yield { ph: event.type === 'begin' ? 'B' : 'E', cat: 'program', name, ts, pid, tid, args };
}

const toMicroseconds = (milliseconds: number): number => Math.round(milliseconds * 1000);
