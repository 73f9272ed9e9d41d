import type { Verb } from './verb.ts';
export const save: Verb = { configure: () => undefined };
