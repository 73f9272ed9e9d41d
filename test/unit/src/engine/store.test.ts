import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { ContainerConfig } from '../../../../src/engine/container.ts';
import { ContainerStore, isValidName, NEW_STATE } from '../../../../src/engine/store.ts';

let root: string;
let store: ContainerStore;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'minidock-test-'));
  store = new ContainerStore({ root, run: join(root, 'run') });
});
afterEach(() => rmSync(root, { recursive: true }));

const directory = (digits: string): string => join(root, 'containers', idOf(digits));
const idOf = (digits: string): string => digits.padEnd(64, '0');
function add(digits: string, name: string, created = '2024-01-01T00:00:00Z'): ContainerConfig {
  const id = idOf(digits);
  const config = { id, name, created } as ContainerConfig;
  mkdirSync(directory(digits), { recursive: true });
  store.reserveName(name, id);
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

test('a record that a power cut made unreadable costs that one, and not the others', () => {
  add('a', 'stateless');
  add('b', 'gone');
  add('c', 'well');
  writeFileSync(join(directory('a'), 'state.json'), '');
  writeFileSync(join(directory('b'), 'config.json'), '{"id":');
  mkdirSync(directory('d'));
  const damaged: string[] = [];
  const leftovers: string[] = [];
  const containers = store.list({
    damaged: ({ message }) => damaged.push(message),
    leftover: (name) => leftovers.push(name),
  });
  expect(containers.map(({ config }) => config.name).sort()).toEqual(['stateless', 'well']);
  expect(damaged).toEqual([`${directory('b')}/config.json is damaged: it is not JSON`]);
  expect(leftovers).toEqual(['d'.padEnd(64, '0')]);
  expect(store.find('stateless').state).toMatchObject({ status: 'dead', exitCode: 255 });
  expect(() => store.find('gone')).toThrow('is damaged');
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
    expect(() => store.reserveName('web', idOf('b'))).toThrow(
      `Conflict. The container name "/web" is already in use by container "${idOf('a')}"`,
    );
    store.releaseName('web', idOf('b'));
    expect(store.find('web').config.id).toBe(idOf('a'));
  });

  test('of a container that never came to be are free', () => {
    mkdirSync(join(root, 'names'));
    mkdirSync(directory('b'), { recursive: true });
    writeFileSync(join(root, 'names', 'web'), idOf('gone'.replace(/\D/g, 'd')));
    store.reserveName('web', idOf('b'));
    expect(readdirSync(join(root, 'names'))).toEqual(['web']);
  });

  test('rename moves it; remove frees it', () => {
    const config = add('a', 'web');
    store.rename(config, 'site');
    expect(store.find('site').config.name).toBe('site');
    expect(() => store.find('web')).toThrow('No such container');
    store.takeAway({ ...config, name: 'site' })();
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
