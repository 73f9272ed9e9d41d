/**
 * An event in Docker's shape: a line of `docker events`, or the message that a template and `json` see. `status`, `id`
 * and `from` are what older versions had; containers and images have kept them.
 */
import { oneLine, printableJson } from '../../runtime/printable.ts';
import type { RecordedEvent } from '../engine/state/events/event-reader.ts';
import { compileTemplate } from './go-template/template.ts';
import { goMap, goStruct, goStructAsJson } from './go-template/value.ts';

/** Prints one event, without its newline. @throws MinidockError TEMPLATE_INVALID. */
export function eventFormatter(format: string | undefined): (event: RecordedEvent) => string {
  if (format === undefined || format === '') return eventLine;
  if (format === 'json') return messageJson;
  const template = compileTemplate(format);
  return (event) => template.execute(goMessage(event));
}

/** '2026-11-26T22:13:32.842127196Z container die 858312… (exitCode=0, image=test, name=web)' */
function eventLine({ time, type, action, id, attributes }: RecordedEvent): string {
  const pairs = sorted(attributes).map(([key, value]) => `${key}=${value}`);
  const tail = pairs.length === 0 ? '' : ` (${pairs.join(', ')})`;
  return oneLine(`${localTime(time)} ${type} ${action} ${id}${tail}`);
}

const sorted = (attributes: RecordedEvent['attributes']): readonly (readonly [string, string])[] =>
  Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1));

/** RFC 3339 with nine digits, in the local time zone. */
function localTime(ns: bigint): string {
  const time = new Date(Number(ns / 1_000_000n));
  const two = (value: number): string => String(Math.trunc(Math.abs(value))).padStart(2, '0');
  const offset = -time.getTimezoneOffset();
  const zone = offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(offset / 60)}:${two(offset % 60)}`;
  const day = `${String(time.getFullYear())}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  const clock = `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
  return `${day}T${clock}.${(ns % 1_000_000_000n).toString().padStart(9, '0')}${zone}`;
}

const ofOlderVersions = ({
  type,
  action,
  id,
  attributes,
}: RecordedEvent): { readonly status?: string; readonly id?: string; readonly from?: string } => {
  if (type !== 'container' && type !== 'image') return {};
  const from = type === 'container' ? attributes['image'] : undefined;
  return { status: action, id, ...(from === undefined ? {} : { from }) };
};

/** As Go writes it, with its nanoseconds, of which a number of JavaScript's would lose the last ones. */
function messageJson(event: RecordedEvent): string {
  const { time, type, action, id, attributes } = event;
  const known = {
    ...ofOlderVersions(event),
    Type: type,
    Action: action,
    Actor: { ID: id, Attributes: Object.fromEntries(sorted(attributes)) },
    scope: 'local',
    time: Number(time / 1_000_000_000n),
  };
  return `${printableJson(known).slice(0, -1)},"timeNano":${String(time)}}`;
}

function goMessage(event: RecordedEvent): object {
  const { time, type, action, id, attributes } = event;
  const { status = '', id: olderId = '', from = '' } = ofOlderVersions(event);
  const fields = {
    Status: status,
    ID: olderId,
    From: from,
    Type: type,
    Action: action,
    Actor: goStruct({ ID: id, Attributes: goMap(Object.fromEntries(sorted(attributes)), '') }),
    Scope: 'local',
    Time: Number(time / 1_000_000_000n),
    TimeNano: time,
  };
  return goStructAsJson(fields, 'events.Message', () => messageJson(event));
}
