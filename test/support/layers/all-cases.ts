/** All cases, in a fixed order. */
import { ends } from './cases/ends.ts';
import { extended } from './cases/extended.ts';
import { headers } from './cases/headers.ts';
import { links } from './cases/links.ts';
import { replacements } from './cases/replacements.ts';
import { sparse } from './cases/sparse.ts';
import { times } from './cases/times.ts';
import { whiteouts } from './cases/whiteouts.ts';
import type { LayerCase } from './layer-case.ts';

export const allCases: readonly LayerCase[] = [
  ...ends,
  ...headers,
  ...extended,
  ...times,
  ...sparse,
  ...links,
  ...whiteouts,
  ...replacements,
];
