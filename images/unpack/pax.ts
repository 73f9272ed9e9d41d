/**
 * PAX extended headers: records of the form `LENGTH KEY=VALUE\n`, LENGTH counting the whole record (pax(1)). The
 * `tar` package decodes them line by line as UTF-8, which breaks values that hold a newline or are binary, such as
 * the extended attribute security.capability; so records are read here, as bytes.
 */
import { corruptLayer } from './corrupt.ts';
import { toText } from './paths.ts';

/** Keys as text, values as byte strings; GNU sparse 0.0 repeats keys, hence a list. */
export type PaxRecords = readonly (readonly [key: string, value: string])[];

export function parsePax(body: Buffer): PaxRecords {
  const records: [string, string][] = [];
  let at = 0;
  while (at < body.length) {
    const space = body.indexOf(0x20, at);
    const digits = space === -1 ? '' : body.toString('latin1', at, space);
    const end = at + Number(digits);
    if (!/^\+?[0-9]{1,10}$/.test(digits) || end > body.length || end <= space + 1 || body[end - 1] !== 0x0a) {
      throw corruptLayer('an extended header (PAX) is malformed');
    }
    const equals = body.indexOf(0x3d, space + 1);
    if (equals === -1 || equals >= end)
      throw corruptLayer('an extended header (PAX) has a record without "="');
    records.push(
      checked(body.toString('utf8', space + 1, equals), body.toString('latin1', equals + 1, end - 1)),
    );
    at = end;
  }
  return records;
}

/** No key is empty, and a zero byte stands in no key and no name (archive/tar, validPAXRecord). */
function checked(key: string, value: string): [string, string] {
  const isName = /^(path|linkpath|uname|gname)$/.test(key);
  if (key === '' || (isName ? value : key).includes('\0'))
    throw corruptLayer('an extended header (PAX) has a record that holds a zero byte, or no key');
  return [key, value];
}

/** Not exact beyond 2^53. */
export function paxInteger(key: string, value: string): number {
  if (!isInteger(value)) {
    throw corruptLayer(`an extended header (PAX) gives ${key}=${value.slice(0, 40)}, which is not a number`);
  }
  return Number(value);
}

/** '1700000000.123456789' as nanoseconds, exactly; undefined for nothing at all. */
export function paxTime(key: string, value: string): bigint | undefined {
  if (value === '') return undefined;
  const [, seconds = '', fraction = ''] = /^([^.]*)(?:\.([0-9]*))?$/.exec(value) ?? [];
  if (!isInteger(seconds))
    throw corruptLayer(`an extended header (PAX) gives ${key}=${value.slice(0, 40)}, which is not a time`);
  const whole = BigInt(seconds.replace('+', '')) * 1_000_000_000n;
  const part = BigInt(fraction.slice(0, 9).padEnd(9, '0'));
  return seconds.startsWith('-') ? whole - part : whole + part;
}

/** As Go's ParseInt takes it: decimal, and within 64 bits. */
function isInteger(text: string): boolean {
  if (!/^[+-]?[0-9]{1,30}$/.test(text)) return false;
  const value = BigInt(text.replace('+', ''));
  return value === BigInt.asIntN(64, value);
}

/** xattr(7): the kernel takes no longer name and no longer value. */
const MAX_XATTR_NAME = 255;
const MAX_XATTR_VALUE = 1 << 16;

/**
 * The extended attributes among the records, in star's form: raw bytes. Docker reads no other. libarchive's own form
 * (LIBARCHIVE.xattr, base64) says the same again where it stands; alone, its attributes would be in an image here and
 * in none of Docker's.
 */
export function paxXattrs(records: PaxRecords): ReadonlyMap<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>();
  for (const [key, value] of records) {
    if (key.startsWith('SCHILY.xattr.'))
      setXattr(xattrs, key.slice('SCHILY.xattr.'.length), Buffer.from(value, 'latin1'));
  }
  return xattrs;
}

function setXattr(xattrs: Map<string, Uint8Array>, name: string, value: Uint8Array): void {
  if (Buffer.byteLength(name) > MAX_XATTR_NAME || value.length > MAX_XATTR_VALUE) {
    throw corruptLayer(
      `the extended attribute "${toText(name.slice(0, 80))}" is longer than Linux allows (${String(value.length)} bytes)`,
    );
  }
  xattrs.set(name, value);
}
