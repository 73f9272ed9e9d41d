import type { Verb } from './verb.ts';
export const importImage: Verb = { configure: () => undefined };
