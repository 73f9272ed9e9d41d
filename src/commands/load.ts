import type { Verb } from './verb.ts';
export const load: Verb = { configure: () => undefined };
