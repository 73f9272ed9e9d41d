/**
 * Which steps of a chapter say nothing new: those of a kind (the id up to its first colon) with a reason that has been
 * given in the chapter already. The terminal and the page name them in one line, "the same for cpuacct, cpuset". Pure.
 */
export interface Foldable {
  readonly id: string;
  readonly section: string;
  readonly why: string;
}

export class Folding {
  private section = '';
  private readonly seen = new Map<string, Foldable>();

  /** The step that this one repeats; undefined for one with something to say. */
  repeated(step: Foldable): Foldable | undefined {
    if (step.section !== this.section) {
      this.section = step.section;
      this.seen.clear();
    }
    const key = `${step.id.split(':')[0] ?? ''}\0${step.why}`;
    const first = this.seen.get(key);
    if (first === undefined) this.seen.set(key, step);
    return first;
  }
}

/** What differs between the ids of a step and the one that it repeats: 'cpuacct'. */
export function difference({ id }: Foldable, first: Foldable): string {
  const known = first.id.split(':').slice(1);
  const parts = id.split(':').slice(1);
  return parts.filter((part, index) => part !== known[index]).join(':') || parts.join(':') || id;
}
