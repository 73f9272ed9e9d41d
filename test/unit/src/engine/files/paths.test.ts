/** Docker's rules of what `cp` copies where, as its archive.PrepareArchiveCopy has them. */
import { expect, test } from '@jest/globals';
import { absolute, nameOf, parseCopyArgument, placeCopy } from '../../../../../src/engine/files/paths.ts';

test.each([
  ['web:/etc', 'web', '/etc'],
  ['web:a:b', 'web', 'a:b'],
  ['/a:b', undefined, '/a:b'],
  ['./a:b', undefined, './a:b'],
  ['plain', undefined, 'plain'],
  ['-', undefined, '-'],
])('the argument %s', (text, container, path) => {
  expect(parseCopyArgument(text)).toEqual({ container, path });
});

test.each([
  ['a/../b', '/w/b', 'b'],
  ['b/', '/w/b/', 'b'],
  ['b/.', '/w/b/.', ''],
  ['.', '/w/.', ''],
  ['..', '/', ''],
  ['/', '/', ''],
  ['/../../x', '/x', 'x'],
])('the path %s', (path, whole, name) => {
  expect([absolute(path, '/w'), nameOf(absolute(path, '/w'))]).toEqual([whole, name]);
});

const file = { path: '/s/file', isDirectory: false };
const dir = { path: '/s/dir', isDirectory: true };
const there = { path: '/d/x', exists: true, isDirectory: true };
const taken = { path: '/d/x', exists: true, isDirectory: false };
const free = { path: '/d/x', exists: false, isDirectory: false };
test.each([
  [file, there, { directory: '/d/x', name: 'file' }],
  [dir, there, { directory: '/d/x', name: 'dir' }],
  [{ ...dir, path: '/s/dir/.' }, there, { directory: '/d/x', name: '' }],
  [file, taken, { directory: '/d', name: 'x' }],
  [file, free, { directory: '/d', name: 'x' }],
  [dir, free, { directory: '/d', name: 'x' }],
  [dir, { ...free, path: '/d/x/' }, { directory: '/d', name: 'x' }],
])('%j to %j', (source, destination, place) => {
  expect(placeCopy(source, destination)).toEqual(place);
});

test('refused: a directory over a file, a file to a directory that is not there', () => {
  expect(() => placeCopy(dir, taken)).toThrow('cannot copy directory');
  expect(() => placeCopy(file, { ...free, path: '/d/x/' })).toThrow('no such directory');
});
