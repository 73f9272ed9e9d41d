/** One limit of a control group: the words for one of the kernel's files, and what they are for. */
export interface Limit {
  /** The controller whose tree the file is in (version 1) or that must be enabled (version 2). */
  readonly controller: string;
  readonly file: string;
  /** What tells several lines for one file apart. */
  readonly key?: string;
  readonly text: string;
  readonly title: string;
  readonly why: string;
  readonly without: string;
}
