/**
 * What `doctor` finds, as data: how bad it is, what it means, what to type. A finding that is minidock's own brings
 * its mend with it; what belongs to others (their firewall, their routes, the kernel) never has one.
 */
export type Level = 'ok' | 'warning' | 'problem';

export const AREAS = [
  'kernel',
  'tools',
  'network',
  'firewall',
  'ports',
  'records',
  'leftovers',
  'disk',
] as const;
export type Area = (typeof AREAS)[number];

export interface Finding {
  /** Stable, `area.noun`; several of one kind carry a suffix: 'leftovers.netns:md-0123456789ab'. */
  readonly id: string;
  readonly level: Level;
  /** One line. */
  readonly what: string;
  /** What follows from it, in whole sentences. */
  readonly means?: string;
  /** Commands to paste, in this order; or a sentence where there is none. */
  readonly todo?: readonly string[];
  /**
   * Only for what is minidock's own. Done twice does no harm. It does what `todo` says, and resolves to the commands
   * that were run where not all of those were.
   */
  readonly mend?: () => Promise<void | readonly string[]>;
}

export const ok = (id: string, what: string, means?: string): Finding => ({
  id,
  level: 'ok',
  what,
  ...(means === undefined ? {} : { means }),
});

/** A line of `todo` is a command, or a sentence. */
export const isCommand = (line: string): boolean => !/^[A-Z]/.test(line);

export const areaOf = ({ id }: Finding): Area => {
  const name = id.slice(0, id.indexOf('.'));
  const area = AREAS.find((known) => known === name);
  if (area === undefined) throw new Error(`finding ${id} is of no area`);
  return area;
};
