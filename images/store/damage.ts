/** Records of the store that are damaged, while it goes on: whoever opened the store is told. */
import { ImageError } from '../errors.ts';

/** `consequence`: what is done all the same, as a sentence. */
export type OnDamage = (error: Error, consequence: string) => void;

export const missing = (path: string): ImageError =>
  new ImageError({ code: 'RECORD_MISSING', message: `${path} is missing` });
