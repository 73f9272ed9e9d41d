/**
 * Writes entries as a tar archive: POSIX ustar, with a PAX header where a name is long or not ASCII, a number is too
 * large, or there are extended attributes. Names are byte strings and stay bytes. The `tar` package takes names as text
 * only, so the header, which is one block, is laid out here (pax(1)).
 *
 * A file has as many bytes as its header said: what is added to it meanwhile is left out, what is cut off is zeros.
 */
import { readSync } from 'node:fs';
import type { EntryType, TarEntry } from '../../../images/unpack/tar-entry.ts';

const BLOCK = 512;
const CHUNK = 1 << 20;
const SECOND = 1_000_000_000n;
const TYPES: Readonly<Record<EntryType, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  char: '3',
  block: '4',
  dir: '5',
  fifo: '6',
};

export type Write = (bytes: Uint8Array) => void | Promise<void>;

export class TarSink {
  constructor(private readonly write: Write) {}

  /** `data` is read from its position on. */
  async entry(entry: TarEntry, data: number): Promise<void> {
    const path = entry.type === 'dir' ? `${entry.path}/` : entry.path;
    const records = paxRecords(entry, path);
    if (records.length > 0) {
      const body = Buffer.from(records.join(''), 'latin1');
      await this.write(
        header({ ...entry, mode: 0o644, size: body.length, uid: 0, gid: 0 }, 'x', 'PaxHeaders.0/x', ''),
      );
      await this.write(padded(body));
    }
    await this.write(header(entry, TYPES[entry.type], path, entry.linkpath));
    if (entry.type === 'file') await this.data(data, entry.size);
  }

  /** The two empty blocks that end an archive. */
  async end(): Promise<void> {
    await this.write(Buffer.alloc(2 * BLOCK));
  }

  private async data(fd: number, size: number): Promise<void> {
    let left = size;
    while (left > 0) {
      const chunk = Buffer.allocUnsafe(Math.min(left, CHUNK));
      const count = readSync(fd, chunk);
      if (count === 0) chunk.fill(0);
      const piece = count === 0 ? chunk : chunk.subarray(0, count);
      left -= piece.length;
      await this.write(piece);
    }
    if (size % BLOCK !== 0) await this.write(Buffer.alloc(BLOCK - (size % BLOCK)));
  }
}

/** Bytes that the entry takes in an archive, but for a PAX header. */
export const tarSize = ({ size }: TarEntry): number => BLOCK + Math.ceil(size / BLOCK) * BLOCK;
export const TAR_END = 2 * BLOCK;

function paxRecords(entry: TarEntry, path: string): readonly string[] {
  const { linkpath, size, uid, gid, xattrs } = entry;
  return [
    ...(fits(path, 100) ? [] : [record('path', path)]),
    ...(fits(linkpath, 100) ? [] : [record('linkpath', linkpath)]),
    ...(size < 8 ** 11 ? [] : [record('size', String(size))]),
    ...(uid < 8 ** 7 ? [] : [record('uid', String(uid))]),
    ...(gid < 8 ** 7 ? [] : [record('gid', String(gid))]),
    ...(isPlainTime(entry.mtime) ? [] : [record('mtime', String(entry.mtime / SECOND))]),
    ...[...xattrs].map(([name, value]) =>
      record(`SCHILY.xattr.${name}`, Buffer.from(value).toString('latin1')),
    ),
  ];
}

const fits = (text: string, room: number): boolean => text.length <= room && /^[\x20-\x7e]*$/.test(text);
const isPlainTime = (mtime: bigint): boolean => mtime >= 0n && mtime / SECOND < 8n ** 11n;

/** `LENGTH KEY=VALUE\n`, where LENGTH counts itself. */
function record(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${String(length)}${rest}`;
}

function header(entry: TarEntry, type: string, path: string, linkpath: string): Buffer {
  const block = Buffer.alloc(BLOCK);
  const text = (value: string, at: number, room: number): void =>
    void block.write(value.slice(0, room), at, 'latin1');
  const octal = (value: number, at: number, room: number): void => {
    const digits = value >= 0 && value < 8 ** (room - 1) ? value.toString(8) : '0';
    text(digits.padStart(room - 1, '0'), at, room - 1);
  };
  text(path, 0, 100);
  octal(entry.mode, 100, 8);
  octal(entry.uid, 108, 8);
  octal(entry.gid, 116, 8);
  octal(entry.type === 'file' || type === 'x' ? entry.size : 0, 124, 12);
  octal(isPlainTime(entry.mtime) ? Number(entry.mtime / SECOND) : 0, 136, 12);
  text(' '.repeat(8), 148, 8);
  text(type, 156, 1);
  text(linkpath, 157, 100);
  text('ustar\u000000', 257, 8);
  octal(entry.major, 329, 8);
  octal(entry.minor, 337, 8);
  const sum = block.reduce((total, byte) => total + byte, 0);
  text(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 8);
  return block;
}

const padded = (body: Buffer): Buffer =>
  Buffer.concat([body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]);
