/**
 * Detach keys: a sequence typed to leave a container running, 'ctrl-p,ctrl-q' by default. Bytes that may be the
 * beginning of the sequence are held back until it is complete or broken off, as Docker's escape proxy does.
 */
import { MinidockError } from '../../runtime/errors.ts';

export const DEFAULT_DETACH_KEYS = 'ctrl-p,ctrl-q';

/** @throws MinidockError 'INVALID_DETACH_KEYS'. */
export function parseDetachKeys(text: string): readonly number[] {
  if (text === '') return [];
  return text.split(',').map((key) => {
    if (key.length === 1) return key.charCodeAt(0);
    const match = /^ctrl-([a-z@[\\\]^_])$/.exec(key);
    const letter = match?.[1];
    if (letter === undefined) {
      throw new MinidockError({
        code: 'INVALID_DETACH_KEYS',
        message: `invalid detach keys (${text}): Unknown character: '${key}'`,
        hint: "Use single characters and 'ctrl-' with a letter or one of @ [ \\ ] ^ _, separated by commas.",
      });
    }
    return letter.toUpperCase().charCodeAt(0) & 0x1f;
  });
}

export class DetachWatcher {
  private matched = 0;

  constructor(private readonly keys: readonly number[]) {}

  feed(chunk: Buffer): { readonly forward: Buffer; readonly detach: boolean } {
    if (this.keys.length === 0) return { forward: chunk, detach: false };
    const forward: number[] = [];
    for (const byte of chunk) {
      if (byte === this.keys[this.matched]) {
        this.matched += 1;
        if (this.matched === this.keys.length) {
          this.matched = 0;
          return { forward: Buffer.from(forward), detach: true };
        }
        continue;
      }
      forward.push(...this.keys.slice(0, this.matched));
      this.matched = byte === this.keys[0] ? 1 : 0;
      if (this.matched === 0) forward.push(byte);
    }
    return { forward: Buffer.from(forward), detach: false };
  }
}
