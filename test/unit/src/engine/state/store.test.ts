import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { examiner } from '../../../../../src/engine/state/examiner.ts';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { ContainerConfig } from '../../../../../src/engine/spec/container.ts';
import { complaints } from '../../../../../src/engine/state/damage.ts';
import { removeContainerFiles } from '../../../../../src/engine/remove-container.ts';
import { ContainerStore, isValidName, NEW_STATE } from '../../../../../src/engine/state/store.ts';
import { unreadableConfig } from '../../../../../src/engine/state/unreadable.ts';

let root: string;
let store: ContainerStore;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'minidock-test-'));
  store = new ContainerStore({ root, run: join(root, 'run') }, examiner);
});
afterEach(() => rmSync(root, { recursive: true }));

const directory = (digits: string): string => join(root, 'containers', idOf(digits));
const idOf = (digits: string): string => digits.padEnd(64, '0');
function add(digits: string, name: string, created = '2024-01-01T00:00:00Z'): ContainerConfig {
  const id = idOf(digits);
  const config: ContainerConfig = { ...unreadableConfig({ root, run: '' }, id), name, created };
  mkdirSync(directory(digits), { recursive: true });
  store.names.reserve(name, id);
  store.writeState(id, NEW_STATE);
  store.writeConfig(config);
  return config;
}

test('what was written is read, newest first', () => {
  add('a', 'old', '2024-01-01T00:00:00Z');
  add('b', 'new', '2024-01-02T00:00:00Z');
  expect(store.list().map(({ config }) => config.name)).toEqual(['new', 'old']);
  expect(store.read(idOf('a'))?.state).toEqual(NEW_STATE);
  expect(store.read(idOf('c'))).toBeUndefined();
});

describe('a record is damaged', () => {
  const written: string[] = [];
  beforeEach(() => {
    written.length = 0;
    jest.spyOn(complaints, 'say').mockImplementation((text) => void written.push(text));
  });
  afterEach(() => void jest.restoreAllMocks());

  test.each([
    ['', 'is damaged: it is empty'],
    ['{"id":', 'is damaged: it is not JSON'],
    ['[]', 'is damaged: it must be an object (got a list)'],
    ['{}', 'is damaged: id must be 64 hex digits (got nothing)'],
    [undefined, 'is missing'],
  ])('config.json holds %j: its copy is used, and one warning says so', (text, told) => {
    const config = add('a', 'web');
    add('b', 'well');
    ruin(join(directory('a'), 'config.json'), text);
    expect(
      store
        .list()
        .map(({ config }) => config.name)
        .sort(),
    ).toEqual(['web', 'well']);
    expect(store.find('web')).toMatchObject({ config });
    expect(written).toEqual([
      `WARNING: ${directory('a')}/config.json ${told}. Its copy is used. minidock doctor shows more; minidock ` +
        'doctor --fix repairs it.',
    ]);
  });

  test('both are: it is there to be removed, and the others as ever', () => {
    add('a', 'gone');
    add('b', 'well');
    writeFileSync(join(directory('a'), 'config.json'), '{"id":');
    rmSync(join(directory('a'), '.config.json.copy'));
    const lost = store.find('gone');
    expect(lost.unreadable?.message).toBe(`${directory('a')}/config.json is damaged: it is not JSON`);
    expect(lost.config).toMatchObject({ id: idOf('a'), name: 'gone' });
    expect(store.list()).toHaveLength(2);
  });

  test.each(['', '{"status":', '[]', '{"status":"running"}', undefined])(
    'state.json holds %j: nothing of it runs, so it counts as dead',
    (text) => {
      add('a', 'web');
      ruin(join(directory('a'), 'state.json'), text);
      expect(store.find('web').state).toMatchObject({ status: 'dead', exitCode: 255 });
      expect(written).toHaveLength(1);
    },
  );

  test.each(['', 'nonsense', idOf('b'), undefined])(
    'the file of its name holds %j: it is found all the same, and keeps its name',
    (text) => {
      add('a', 'web');
      add('b', 'other');
      ruin(join(root, 'names', 'web'), text);
      expect(store.find('web').config.id).toBe(idOf('a'));
      expect(written).toHaveLength(1);
      mkdirSync(directory('c'));
      expect(() => store.names.reserve('web', idOf('c'))).toThrow('is already in use by container');
    },
  );
});

function ruin(path: string, text: string | undefined): void {
  if (text === undefined) rmSync(path);
  else writeFileSync(path, text);
}

test('a directory without a configuration is reported as a leftover', () => {
  mkdirSync(directory('d'), { recursive: true });
  const leftovers: string[] = [];
  store.list({ leftover: (name) => leftovers.push(name) });
  expect(leftovers).toEqual([idOf('d')]);
});

test('a container exists once its configuration does', () => {
  mkdirSync(join(root, 'containers', idOf('a')), { recursive: true });
  expect(store.list()).toEqual([]);
  expect(() => store.find(idOf('a'))).toThrow('No such container');
});

describe('find', () => {
  beforeEach(() => {
    add('abc1', 'web');
    add('abd2', 'abc');
  });

  test.each([
    ['web', 'abc1'],
    ['/web', 'abc1'],
    // A name wins over a prefix, as in Docker.
    ['abc', 'abd2'],
    ['abc1', 'abc1'],
    [idOf('abd2'), 'abd2'],
  ])('%s', (reference, digits) => {
    expect(store.find(reference).config.id).toBe(idOf(digits));
  });

  test('an ambiguous prefix, an unknown name, a path', () => {
    expect(() => store.find('ab')).toThrow('multiple IDs found with provided prefix: ab');
    expect(() => store.find('nobody')).toThrow('No such container: nobody');
    expect(() => store.find('../containers')).toThrow('No such container');
  });
});

describe('names', () => {
  test('are taken once, and told whose they are', () => {
    add('a', 'web');
    mkdirSync(directory('b'));
    expect(() => store.names.reserve('web', idOf('b'))).toThrow(
      `Conflict. The container name "/web" is already in use by container "${idOf('a')}"`,
    );
    store.names.release('web', idOf('b'));
    expect(store.find('web').config.id).toBe(idOf('a'));
  });

  test('of a container that never came to be are free', () => {
    mkdirSync(join(root, 'names'));
    mkdirSync(directory('b'), { recursive: true });
    writeFileSync(join(root, 'names', 'web'), idOf('gone'.replace(/\D/g, 'd')));
    store.names.reserve('web', idOf('b'));
    expect(readdirSync(join(root, 'names'))).toEqual(['web']);
  });

  test('a rename that was killed half way leaves two, and both go with the container', () => {
    const config = add('a', 'web');
    store.names.reserve('web-too', config.id);
    add('b', 'other');
    removeContainerFiles(store, config, { volumes: false });
    expect(readdirSync(join(root, 'names'))).toEqual(['other']);
  });

  test('rename moves it; remove frees it', () => {
    const config = add('a', 'web');
    store.rename(config, 'site');
    expect(store.find('site').config.name).toBe('site');
    expect(() => store.find('web')).toThrow('No such container');
    removeContainerFiles(store, { ...config, name: 'site' }, { volumes: false });
    expect(readdirSync(join(root, 'names'))).toEqual([]);
    expect(readdirSync(join(root, 'containers'))).toEqual([]);
  });

  test.each([
    ['web', true],
    ['a1_.-', true],
    ['a', false],
    ['-web', false],
    ['_web', false],
    ['we b', false],
    ['web/', false],
    ['', false],
  ])('%j', (name, valid) => {
    expect(isValidName(name)).toBe(valid);
  });
});
