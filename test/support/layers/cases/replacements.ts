/** Each kind of entry where each other kind is already: in the same layer, and in one below. */
import type { TestEntry } from '../../images/tar-bytes.ts';
import { image, type LayerCase } from '../layer-case.ts';
import { dir, file, hardLink, opaque, symlink, whiteout } from './entries.ts';

const other = [dir('other', { mode: 0o711 }), file('other/f')];
const kinds: Readonly<Record<string, readonly TestEntry[]>> = {
  'a file': [file('a', { mode: 0o600 })],
  'a directory': [dir('a', { mode: 0o700, uid: 3 })],
  'a full directory': [dir('a', { mode: 0o700 }), file('a/in')],
  'a directory not listed': [file('a/deep/in')],
  'a link': [symlink('a', 'other')],
  'a dead link': [symlink('a', 'nowhere')],
  'a hard link': [hardLink('a', 'other/f')],
  'a FIFO': [{ ...file('a', { data: '' }), type: '6' }],
  'a device': [{ ...file('a', { data: '', major: 1, minor: 3 }), type: '3' }],
  'a whiteout': [whiteout('a')],
  'an opaque directory': [dir('a'), opaque('a'), file('a/in2')],
};

export const replacements: readonly LayerCase[] = Object.entries(kinds).flatMap(([before, first]) =>
  Object.entries(kinds).flatMap(([after, then]) => [
    image(`replace: ${before} by ${after}`, [...other, ...first, ...then]),
    image(`replace: ${before} below by ${after}`, [...other, ...first], [...other, ...then]),
  ]),
);
