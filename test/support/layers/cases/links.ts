/** Hard links: what their own headers say, and where their file is. */
import { image, imported, type LayerCase } from '../layer-case.ts';
import { dir, file, hardLink, pax, symlink, whiteout } from './entries.ts';

const ln = (name: string, ...layers: Parameters<typeof image>[1][]): LayerCase =>
  image(`link: ${name}`, ...layers);

const own = { mode: 0o600, uid: 7, gid: 8, mtime: 5 } as const;
const setuid = { mode: 0o4755, uid: 3, gid: 4, mtime: 9 } as const;
const capability = {
  'SCHILY.xattr.security.capability': Buffer.from('0100000200200000000000000000000000000000', 'hex'),
};

export const links: readonly LayerCase[] = [
  ln('like its file', [file('f'), hardLink('l', 'f')]),
  ln('with a mode, owner and time of its own', [file('f'), hardLink('l', 'f', own)]),
  ln('with setuid of its own', [file('f'), hardLink('l', 'f', setuid)]),
  ln('without the setuid of its file', [file('f', setuid), hardLink('l', 'f')]),
  ln('like its setuid file', [file('f', setuid), hardLink('l', 'f', setuid)]),
  ln('with an owner of its own for a setuid file', [
    file('f', setuid),
    hardLink('l', 'f', { ...setuid, uid: 9 }),
  ]),
  ln('with an attribute of its own', [
    file('f'),
    hardLink('l', 'f', { pax: { 'SCHILY.xattr.user.a': 'x' } }),
  ]),
  ln('without the attribute of its file', [
    file('f', { pax: { 'SCHILY.xattr.user.a': 'x' } }),
    hardLink('l', 'f'),
  ]),
  ln('of a file with capabilities', [file('f', { pax: capability }), hardLink('l', 'f')]),
  ln('of a file with capabilities and another owner', [
    file('f', { pax: capability }),
    hardLink('l', 'f', { uid: 5 }),
  ]),
  ln('twice, the last header counts', [file('f'), hardLink('l', 'f', own), hardLink('m', 'f', setuid)]),
  ln('of a link', [file('f'), hardLink('l', 'f'), hardLink('m', 'l')]),
  ln('with a time of its own in PAX', [file('f'), hardLink('l', 'f', { pax: { mtime: '7.25' } })]),
  ln('with mode 0', [file('f'), hardLink('l', 'f', { mode: 0 })]),
  ln('to a symbolic link', [file('f'), symlink('s', 'f'), hardLink('l', 's')]),
  ln('to a symbolic link, with a mode of its own', [file('f'), symlink('s', 'f'), hardLink('l', 's', own)]),
  ln('to a symbolic link that leads nowhere', [symlink('s', 'no'), hardLink('l', 's', own)]),
  ln('to a FIFO', [{ ...file('p', { data: '' }), type: '6' }, hardLink('l', 'p', own)]),
  ln('to a directory', [dir('d'), hardLink('l', 'd')]),
  ln('to itself', [file('f'), hardLink('f', 'f')]),
  ln('to itself, and nothing there', [hardLink('f', 'f')]),
  ln('over another file', [file('f'), file('l'), hardLink('l', 'f')]),
  ln('over a directory', [file('f'), dir('l'), file('l/x'), hardLink('l', 'f')]),
  ln('over a directory that has its file', [dir('l'), file('l/x'), hardLink('l', 'l/x')]),
  ln('over a symbolic link to its file', [file('f'), symlink('l', 'f'), hardLink('l', 'f')]),
  ln('from an absolute path', [file('d/f'), hardLink('l', '/d/f')]),
  ln('from a path with dots', [file('d/f'), hardLink('l', './d/../d/./f')]),
  ln('from outside', [file('f'), hardLink('l', '../f')]),
  ln('from outside, absolute', [file('f'), hardLink('l', '/../f')]),
  ln('from far outside', [file('f'), hardLink('l', '../../../../etc/passwd')]),
  ln('through a symbolic link', [dir('d'), file('d/f'), symlink('s', 'd'), hardLink('l', 's/f')]),
  ln('through an absolute symbolic link', [dir('d'), file('d/f'), symlink('s', '/d'), hardLink('l', 's/f')]),
  ln('placed through a symbolic link', [dir('d'), file('f'), symlink('s', 'd'), hardLink('s/l', 'f')]),
  ln('into a directory that is not listed', [file('f'), hardLink('x/y/l', 'f')]),
  ln('from an empty name', [file('f'), hardLink('l', '')]),
  ln('from the root', [file('f'), hardLink('l', '/')]),
  ln('before its file', [hardLink('l', 'f'), file('f')]),
  ln('before its file, both with headers of their own', [hardLink('l', 'f', own), file('f', setuid)]),
  ln('before its file, in a directory', [hardLink('d/l', 'e/f'), dir('e'), file('e/f')]),
  ln('before its file, and a whiteout of it', [hardLink('l', 'f'), whiteout('l'), file('f')]),
  ln('to nothing', [file('f'), hardLink('l', 'no')]),
  ln('to something in nothing', [file('f'), hardLink('l', 'no/such')]),
  ln('its file is replaced after it', [
    file('f', { data: 'one' }),
    hardLink('l', 'f'),
    file('f', { data: 'two' }),
  ]),
  ln('is replaced after it', [file('f', { data: 'one' }), hardLink('l', 'f'), file('l', { data: 'two' })]),
  ln('its file is listed again as a link', [file('f'), hardLink('l', 'f'), hardLink('f', 'l')]),
  ln('its file becomes a directory', [file('f'), hardLink('l', 'f'), dir('f')]),
  ln('to a file below', [file('f', setuid)], [hardLink('l', 'f')]),
  ln('to a file below, with a header of its own', [file('f', setuid)], [hardLink('l', 'f', own)]),
  ln('to a file below in a directory', [dir('d', own), file('d/f')], [hardLink('d/l', 'd/f')]),
  ln('to a file two below', [file('f')], [file('x')], [hardLink('l', 'f')]),
  ln(
    'to a file below that this layer replaces',
    [file('f', { data: 'old' })],
    [hardLink('l', 'f'), file('f')],
  ),
  ln('to a file below that this layer takes away', [file('f')], [whiteout('f'), hardLink('l', 'f')]),
  ln('to a file below that this layer takes away after it', [file('f')], [hardLink('l', 'f'), whiteout('f')]),
  ln('to a file below that a layer between takes away', [file('f')], [whiteout('f')], [hardLink('l', 'f')]),
  ln('over a file below', [file('f'), file('l')], [file('g'), hardLink('l', 'g')]),
  ln('over a directory below', [dir('l'), file('l/x')], [file('g'), hardLink('l', 'g')]),
  ln('of a layer below, one name replaced', [file('f'), hardLink('l', 'f')], [file('l', { data: 'new' })]),
  ln('of a layer below, one name taken away', [file('f'), hardLink('l', 'f')], [whiteout('f')]),
  ln(
    'listed again with new metadata',
    [file('f'), hardLink('l', 'f')],
    [file('f', own), hardLink('l', 'f', own)],
  ),
  ln('to a whiteout', [file('f')], [whiteout('f'), hardLink('l', '.wh.f')]),
  ln('named like a whiteout', [file('f')], [file('g'), hardLink('.wh.f', 'g')]),
  ln('with a global header', [pax({ mtime: '5' }, 'g'), file('f'), hardLink('l', 'f', own)]),
  imported('import: a link with setuid', file('f', setuid), hardLink('l', 'f', setuid)),
  imported('import: a link without the setuid of its file', file('f', setuid), hardLink('l', 'f')),
  imported('import: a link with a header of its own', file('f'), hardLink('l', 'f', own)),
  imported('import: a link before its file', hardLink('l', 'f'), file('f')),
  imported('import: a link with capabilities', file('f', { pax: capability }), hardLink('l', 'f')),
];
