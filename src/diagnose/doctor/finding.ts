/**
 * What `doctor` finds, as data: how bad it is, what it means, what to type. A finding about minidock's own things
 * carries its repair; a finding about others' (their firewall, their routes, the kernel) never does.
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
  /** The consequence, in whole sentences. */
  readonly means?: string;
  /** Commands to paste, in this order; a sentence if there is no command. */
  readonly todo?: readonly string[];
  /**
   * Only for minidock's own things. Idempotent. It does what `todo` says; it resolves to the commands it ran if it
   * did not run all of them.
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
