/** The event log as files: what is appended is read, what is damaged is left out, what cannot be written fails no command. */
import { describe, expect, test } from '@jest/globals';
import { appendFileSync, mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventFile, recordEvent, recordEvents } from '../../../../../src/engine/state/events/event-log.ts';
import { EventReader } from '../../../../../src/engine/state/events/event-reader.ts';
import { imageEvent, volumeEvent } from '../../../../../src/engine/state/events/events.ts';
import type { Paths } from '../../../../../src/engine/state/paths.ts';
import { temporaryDirectory } from '../../../../support/temporary-directory.ts';

function places(): Paths {
  const dir = temporaryDirectory();
  return { root: join(dir, 'root'), run: join(dir, 'run') };
}

const actions = (reader: EventReader): readonly string[] => reader.read().map(({ action }) => action);

test('what is recorded is read once, in the order of time', () => {
  const paths = places();
  const reader = new EventReader(paths);
  expect(reader.read()).toEqual([]);
  recordEvents(paths, [
    { ...volumeEvent('v', 'second'), time: 2n },
    { ...volumeEvent('v', 'first'), time: 1n },
  ]);
  expect(reader.read()).toEqual([
    { time: 1n, type: 'volume', action: 'first', id: 'v', attributes: { driver: 'local' } },
    { time: 2n, type: 'volume', action: 'second', id: 'v', attributes: { driver: 'local' } },
  ]);
  recordEvent(paths, imageEvent('tag', 'sha256:1', 'web:1', { maker: 'me' }));
  expect(reader.read()).toMatchObject([{ attributes: { maker: 'me', name: 'web:1' } }]);
  expect(reader.read()).toEqual([]);
  reader.close();
});

test('a line that is half there waits for its end; one that is damaged spoils no other', () => {
  const paths = places();
  const reader = new EventReader(paths);
  recordEvent(paths, volumeEvent('v', 'one'));
  appendFileSync(eventFile(paths), '{"time":"3","type":"vol');
  expect(actions(reader)).toEqual(['one']);
  appendFileSync(eventFile(paths), 'ume","action":"two","id":"v","attributes":{}}\n');
  expect(actions(reader)).toEqual(['two']);
  appendFileSync(eventFile(paths), '{"time":"3","type":"vol');
  recordEvent(paths, volumeEvent('v', 'three'));
  for (const wrong of [
    '[]',
    '{"time":1}',
    '\0\0',
    '{"time":"x","type":"","action":"","id":"","attributes":{}}',
  ])
    appendFileSync(eventFile(paths), `${wrong}\n`);
  recordEvent(paths, volumeEvent('v', 'four'));
  expect(actions(reader)).toEqual(['three', 'four']);
  reader.close();
});

test('a file that was turned over is read to its end, also what is added to it late', () => {
  const paths = places();
  const reader = new EventReader(paths);
  recordEvent(paths, volumeEvent('v', 'one'));
  expect(actions(reader)).toEqual(['one']);
  renameSync(eventFile(paths), eventFile(paths, 1));
  recordEvent(paths, volumeEvent('v', 'two'));
  appendFileSync(
    eventFile(paths, 1),
    '{"time":"1","type":"volume","action":"late","id":"v","attributes":{}}\n',
  );
  expect(actions(reader)).toEqual(['late', 'two']);
  reader.close();
});

describe('what cannot be recorded is nobody’s failure', () => {
  test.each<[string, (paths: Paths) => void]>([
    ['a file in place of the directory', ({ run }) => writeFileSync(run, '')],
    ['a directory in place of the file', (paths) => mkdirSync(eventFile(paths), { recursive: true })],
    [
      'a link, which is not followed',
      (paths) => {
        mkdirSync(join(paths.run, 'events'), { recursive: true });
        symlinkSync(join(paths.run, 'elsewhere'), eventFile(paths));
      },
    ],
  ])('%s', (_, damage) => {
    const paths = places();
    mkdirSync(join(paths.run, '..'), { recursive: true });
    damage(paths);
    expect(() => recordEvent(paths, volumeEvent('v', 'one'))).not.toThrow();
    expect(readdirSync(join(paths.run, '..'))).toEqual(['run']);
  });
});

test('labels without end are left out, the name is not', () => {
  const paths = places();
  recordEvent(paths, imageEvent('tag', 'sha256:1', 'web:1', { long: 'x'.repeat(1 << 20), short: 'y' }));
  const reader = new EventReader(paths);
  expect(reader.read()).toMatchObject([{ attributes: { short: 'y', name: 'web:1' } }]);
  reader.close();
});
