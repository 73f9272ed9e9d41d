/** Reports damaged records of the store to the caller that opened it, while the store keeps working. */
import { ImageError } from '../errors.ts';

/** `consequence`: what is done all the same, as a sentence. */
export type OnDamage = (error: Error, consequence: string) => void;

export const missing = (path: string): ImageError =>
  new ImageError({ code: 'RECORD_MISSING', message: `${path} is missing` });
