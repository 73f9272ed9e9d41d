/**
 * Numbers as tar headers spell them, read as strictly as Go's archive/tar reads them, and so Docker: octal digits with
 * blanks or ZERO bytes around them, or base 256 when the first bit is set (GNU's and star's way to large and negative
 * ones). Nothing at all is 0; anything else is a damaged header.
 */
import { corruptLayer } from './corrupt.ts';

/** Not exact beyond 2^53, where neither a size nor a time means anything. @throws ImageError 'LAYER_CORRUPT'. */
export function tarNumber(block: Buffer, at: number, length: number, what: string): number {
  const first = block[at] ?? 0;
  return (first & 0x80) === 0 ? octal(block, at, at + length, what) : base256(block, at, at + length, what);
}

const ZERO = 0x30;
const isPadding = (byte: number | undefined): boolean => byte === 0x20 || byte === 0;

function octal(block: Buffer, from: number, to: number, what: string): number {
  let start = from;
  let end = to;
  while (start < end && isPadding(block[start])) start += 1;
  while (start < end && isPadding(block[end - 1])) end -= 1;
  let value = 0;
  for (let at = start; at < end; at++) {
    const byte = block[at] ?? 0;
    // The first ZERO byte ends the text, whatever stands behind it.
    if (byte === 0) break;
    const digit = byte - ZERO;
    if (digit < 0 || digit > 7) throw corruptLayer(`a header holds an impossible ${what}`);
    value = value * 8 + digit;
  }
  return value;
}

/** Two's complement, the first bit only saying that it is this. It must fit 64 bits. */
function base256(block: Buffer, from: number, to: number, what: string): number {
  const negative = ((block[from] ?? 0) & 0x40) !== 0;
  let value = negative ? -1n : 0n;
  for (let at = from; at < to; at++) {
    const byte = block[at] ?? 0;
    value = (value << 8n) | BigInt(at > from ? byte : negative ? byte | 0x80 : byte & 0x7f);
  }
  if (value !== BigInt.asIntN(64, value)) throw corruptLayer(`a header holds an impossible ${what}`);
  return Number(value);
}

/** Whether the checksum is right, which some old programs made of signed bytes. */
export function isChecksumRight(block: Buffer): boolean {
  let unsigned = 0;
  let signed = 0;
  for (let at = 0; at < 512; at++) {
    const byte = at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  try {
    const sum = octal(block, 148, 156, 'checksum');
    return sum === unsigned || sum === signed;
  } catch {
    // Not even a number: the caller says what is wrong with the archive.
    return false;
  }
}
