/** How much an explanation says. */
export const HOWS = ['chapters', 'steps', 'full', 'short', 'json'] as const;
export type ExplainHow = (typeof HOWS)[number];
