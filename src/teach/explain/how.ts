/** How much an explanation says. */
export type ExplainHow = 'short' | 'full' | 'json';
