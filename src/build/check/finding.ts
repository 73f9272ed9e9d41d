/** What a build check reports, by BuildKit's names. */
import type { LineRange } from '../errors.ts';

export interface Finding {
  readonly rule: string;
  readonly message: string;
  readonly lines: LineRange;
}

/** 'StageNameCasing' has the page 'stage-name-casing'. */
export const pageOf = (rule: string): string =>
  `https://docs.docker.com/go/dockerfile/rule/${rule
    .replace(
      /([a-z0-9])([A-Z])|([A-Z]+)(?=[A-Z][a-z])/g,
      (_, low: string | undefined, high: string | undefined, many: string | undefined) =>
        low === undefined ? `${many ?? ''}-` : `${low}-${high ?? ''}`,
    )
    .toLowerCase()}/`;
