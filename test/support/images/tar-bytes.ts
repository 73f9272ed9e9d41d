/**
 * Tar archives for tests, byte by byte: also the ones that no tool would write. Defaults make a valid ustar header;
 * everything in it can be overridden, and the checksum is always right unless asked otherwise.
 */
export interface TestEntry {
  readonly name: string | Buffer;
  /** '0' file, '5' directory, '1' hard link, '2' symbolic link, … */
  readonly type?: string;
  readonly data?: string | Buffer;
  /** When it is to differ from the data's length. */
  readonly size?: number;
  readonly link?: string | Buffer;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly major?: number;
  readonly minor?: number;
  readonly prefix?: string;
  /** GNU's magic instead of POSIX's. */
  readonly gnu?: boolean;
  /** PAX records put before the entry. */
  readonly pax?: Readonly<Record<string, string | Buffer>>;
  /** Bytes to put into the header at the end, before the checksum: offset to content. */
  readonly patch?: Readonly<Record<number, string | Buffer>>;
  readonly badChecksum?: boolean;
}

/** A whole archive with its two empty blocks. */
export function tarOf(...entries: readonly TestEntry[]): Buffer {
  return Buffer.concat([...entries.map(entryBytes), Buffer.alloc(1024)]);
}

export function entryBytes(entry: TestEntry): Buffer {
  const data = Buffer.from(entry.data ?? '');
  const pax =
    entry.pax === undefined ? [] : [entryBytes({ name: 'pax', type: 'x', data: paxBody(entry.pax) })];
  const padding = Buffer.alloc((512 - (data.length % 512)) % 512);
  return Buffer.concat([...pax, headerBytes(entry, data.length), data, padding]);
}

export function paxBody(records: Readonly<Record<string, string | Buffer>>): Buffer {
  return Buffer.concat(Object.entries(records).map(([key, value]) => paxRecord(key, Buffer.from(value))));
}

export function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), value, Buffer.from('\n')]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function headerBytes(entry: TestEntry, dataLength: number): Buffer {
  const block = Buffer.alloc(512);
  const type = entry.type ?? '0';
  Buffer.from(entry.name).copy(block, 0, 0, 100);
  octal(block, 100, 8, entry.mode ?? (type === '5' ? 0o755 : 0o644));
  octal(block, 108, 8, entry.uid ?? process.getuid?.() ?? 0);
  octal(block, 116, 8, entry.gid ?? process.getgid?.() ?? 0);
  octal(block, 124, 12, entry.size ?? dataLength);
  octal(block, 136, 12, entry.mtime ?? 1_700_000_000);
  block.write(type, 156, 'latin1');
  Buffer.from(entry.link ?? '').copy(block, 157, 0, 100);
  block.write(entry.gnu === true ? 'ustar  \0' : 'ustar\x0000', 257, 'latin1');
  octal(block, 329, 8, entry.major ?? 0);
  octal(block, 337, 8, entry.minor ?? 0);
  if (entry.prefix !== undefined) block.write(entry.prefix, 345, 155, 'latin1');
  for (const [at, bytes] of Object.entries(entry.patch ?? {})) Buffer.from(bytes).copy(block, Number(at));
  block.fill(' ', 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  octal(block, 148, 7, entry.badChecksum === true ? sum + 1 : sum);
  return block;
}

function octal(block: Buffer, at: number, length: number, value: number): void {
  block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, at, length, 'latin1');
}
