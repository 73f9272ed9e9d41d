/**
 * The text of a file that an image brings, a part at a time: an image may have a passwd file of any size, and PID 1
 * reads it within the container's memory limit. A part is made of whole lines, each with a newline before it, so that
 * one regular expression finds the lines that matter: PID 1 runs in an interpreter (SHORT_LIVED), where looking at each
 * line by itself would take 100 times as long.
 *
 * A line longer than a part is passed over. That is the longest one that Docker reads as well (bufio.Scanner).
 */
import { closeSync, readSync } from 'node:fs';
import { MinidockError } from '../../errors.ts';

/** Bytes as characters (latin1): nothing is decoded that is not wanted. False ends the reading. */
export type PartVisitor = (text: string) => boolean;
export type Parts = (visit: PartVisitor) => void;

const LONGEST_LINE = 1 << 16;
/** A second's reading or so; holes make a file of any size at no cost. */
const LARGEST_FILE = 1 << 29;
const NEWLINE = 0x0a;

/** `open` gives a regular file, or undefined for one without text; it is closed here. `path` is for the words. */
export const fileParts =
  (path: string, open: () => number | undefined): Parts =>
  (visit) => {
    const fd = open();
    if (fd === undefined) return;
    try {
      let left = LARGEST_FILE;
      visitParts((into) => {
        const length = readSync(fd, into);
        left -= length;
        if (left < 0) throw tooLarge(path);
        return length;
      }, visit);
    } finally {
      closeSync(fd);
    }
  };

export const textParts =
  (text: string): Parts =>
  (visit) => {
    let left = Buffer.from(text);
    visitParts((into) => {
      const length = left.copy(into);
      left = left.subarray(length);
      return length;
    }, visit);
  };

function visitParts(read: (into: Buffer) => number, visit: PartVisitor): void {
  const bytes = Buffer.allocUnsafe(LONGEST_LINE + 1);
  bytes[0] = NEWLINE;
  /** Bytes of the newline in front and of a line whose end has not been read yet. */
  let kept = 1;
  let tooLong = false;
  for (;;) {
    const length = read(bytes.subarray(kept));
    const end = kept + length;
    if (length === 0) {
      if (!tooLong && end > 1) visit(bytes.toString('latin1', 0, end));
      return;
    }
    const last = bytes.lastIndexOf(NEWLINE, end - 1);
    if (last >= kept) {
      const first = tooLong ? bytes.indexOf(NEWLINE, 1) : 0;
      if (last > first && !visit(bytes.toString('latin1', first, last))) return;
      bytes.copyWithin(0, last, end);
      kept = end - last;
      tooLong = false;
    } else {
      tooLong ||= end === bytes.length;
      kept = tooLong ? 1 : end;
    }
  }
}

const tooLarge = (path: string): MinidockError =>
  new MinidockError({
    code: 'FILE_TOO_LARGE',
    message: `${path} of the image is larger than ${String(LARGEST_FILE >> 20)} MB`,
    hint: 'No list of users or groups is that large.',
  });
