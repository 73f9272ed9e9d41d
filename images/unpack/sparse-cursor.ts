/** Maps the chunks of a sparse file's data to their places in the file. */
import type { SparseMap } from './sparse.ts';

export class SparseCursor {
  readonly realSize: number;
  private readonly segments: SparseMap['segments'];
  private index = 0;
  private within = 0;

  constructor(map: SparseMap) {
    this.realSize = map.realSize;
    this.segments = map.segments;
  }

  place(chunk: Buffer, write: (piece: Buffer, position: number) => void): void {
    let at = 0;
    while (at < chunk.length) {
      const segment = this.segments[this.index];
      // The map was checked against the size of the data, so there is a place for each byte.
      if (segment === undefined) return;
      const length = Math.min(segment.length - this.within, chunk.length - at);
      if (length > 0) write(chunk.subarray(at, at + length), segment.offset + this.within);
      at += length;
      this.within += length;
      if (this.within === segment.length) {
        this.index += 1;
        this.within = 0;
      }
    }
  }
}
