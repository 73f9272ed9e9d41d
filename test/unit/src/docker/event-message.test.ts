/** Events as Docker 26.1 prints them: the lines here were recorded from it. */
import { describe, expect, test } from '@jest/globals';
import { matchEvent, parseEventFilters } from '../../../../src/docker/event-filter.ts';
import { eventFormatter } from '../../../../src/docker/event-message.ts';
import type { RecordedEvent } from '../../../../src/engine/state/events/event-reader.ts';

const id = 'f6ff52f8b8fa775faab64bf9cea9c873d1a8809ab94ba85fcc99b458dc1bfbf5';

const exec: RecordedEvent = {
  time: 1795731436063675470n,
  type: 'container',
  action: 'exec_create: sh -c exit 3',
  id,
  attributes: { name: 'aa', image: 'test', x: 'y', execID: 'c3ccd7' },
};
const volume: RecordedEvent = {
  time: 1795731212842127196n,
  type: 'volume',
  action: 'create',
  id: 'vol1',
  attributes: { driver: 'local' },
};
const connect: RecordedEvent = {
  time: 1795731213009841065n,
  type: 'network',
  action: 'connect',
  id: 'ef5bf0',
  attributes: { container: id, name: 'bridge', type: 'bridge' },
};
const pull: RecordedEvent = {
  time: 1795731213009841065n,
  type: 'image',
  action: 'pull',
  id: 'nginx:1.25',
  attributes: { name: 'nginx' },
};

describe('format', () => {
  test('a line, with the attributes by name', () => {
    const format = eventFormatter(undefined);
    expect(format(exec).replace(/^\S+ /, '')).toBe(
      `container exec_create: sh -c exit 3 ${id} (execID=c3ccd7, image=test, name=aa, x=y)`,
    );
    expect(format(volume)).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.842127196(Z|[+-]\d\d:\d\d) volume/);
    expect(format({ ...volume, attributes: {} })).toMatch(/ volume create vol1$/);
  });

  test.each(['json', '{{json .}}'])('%s, digit by digit', (format) => {
    expect(eventFormatter(format)(exec)).toBe(
      `{"status":"exec_create: sh -c exit 3","id":"${id}","from":"test","Type":"container","Action":"exec_create: sh -c exit 3","Actor":{"ID":"${id}","Attributes":{"execID":"c3ccd7","image":"test","name":"aa","x":"y"}},"scope":"local","time":1795731436,"timeNano":1795731436063675470}`,
    );
    expect(eventFormatter(format)(volume)).toBe(
      '{"Type":"volume","Action":"create","Actor":{"ID":"vol1","Attributes":{"driver":"local"}},"scope":"local","time":1795731212,"timeNano":1795731212842127196}',
    );
  });

  test('a template', () => {
    const format =
      '{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.driver}} {{.Time}} {{.TimeNano}}{{.Status}}';
    expect(eventFormatter(format)(volume)).toBe('volume create vol1 local 1795731212 1795731212842127196');
    expect(eventFormatter('{{.Status}} {{.ID}} {{.From}} {{.Scope}}')(pull)).toBe('pull nginx:1.25  local');
    expect(() => eventFormatter('{{.Nothing}}')(volume)).toThrow("can't evaluate field Nothing");
  });

  test('nobody’s words move the cursor', () => {
    expect(eventFormatter(undefined)({ ...volume, attributes: { a: '\x1b[2J\n' } })).toContain(
      '(a=\\x1b[2J\\n)',
    );
  });
});

describe('filters', () => {
  const all = [exec, volume, connect, pull];
  const passing = (...texts: readonly string[]): readonly RecordedEvent[] => {
    const filters = parseEventFilters(texts);
    return all.filter((event) => matchEvent(filters, event));
  };

  test.each<[string, readonly RecordedEvent[]]>([
    ['type=volume', [volume]],
    ['event=exec_create', [exec]],
    ['event=exec_create: sh -c exit 3', [exec]],
    ['event=exec', []],
    ['container=aa', [exec]],
    [`container=${id}`, [exec, connect]],
    ['container=f6ff52', [exec]],
    ['image=test', [exec]],
    ['image=nginx', [pull]],
    ['image=nginx:1.25', [pull]],
    ['network=bridge', [connect]],
    ['volume=vol1', [volume]],
    ['label=x', [exec]],
    ['label=x=y', [exec]],
    ['label=x=z', []],
    ['scope=local', all],
    ['scope=swarm', []],
    ['daemon=x', []],
  ])('%s', (text, expected) => expect(passing(text)).toEqual(expected));

  test('keys are ANDed, values of one key are alternatives', () => {
    expect(passing('type=volume', 'type=image')).toEqual([volume, pull]);
    expect(passing('type=volume', 'event=connect')).toEqual([]);
  });

  test('one that does not exist is refused', () => {
    expect(() => parseEventFilters(['nothing=x'])).toThrow("invalid filter 'nothing'");
  });
});
