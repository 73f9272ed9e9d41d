/** `docker history`: what each step of the build added, topmost first. */
import type { HistoryEntry, StoredImage } from '../types.ts';

export interface HistoryLine extends HistoryEntry {
  /** The image's id on the topmost line; the others have none, which Docker shows as <missing>. */
  readonly id?: string;
  /** Of the topmost line. */
  readonly tags: readonly string[];
  readonly size: number;
}

export function historyLines(image: StoredImage, sizeOf: (diffId: string) => number): readonly HistoryLine[] {
  const sizes = image.config.rootfs.diff_ids.map(sizeOf);
  // An image made without a history still has layers to show.
  const entries: readonly HistoryEntry[] = image.config.history ?? sizes.map(() => ({}));
  let layer = 0;
  const lines = entries.map((entry): HistoryLine => {
    const size = entry.empty_layer === true ? 0 : (sizes[layer++] ?? 0);
    return { ...entry, size, tags: [] };
  });
  return lines.reverse().map((line, i) => (i === 0 ? { ...line, id: image.id, tags: image.tags } : line));
}
