/** The shape all steps of PID 1 share: they live in namespaces that vanish with the process, so nothing is undone. */
import type { ContainerCommand } from '../plan/command.ts';
import type { Section, Step, StepId } from '../plan/step.ts';
import type { Argv } from '../plan/argv.ts';

export type ContainerStep = Step<ContainerCommand>;

export interface StepWords {
  readonly title: string;
  readonly why: string;
  readonly without: string;
  /** Typed inside the container, unless `onHost`. */
  readonly observe?: Argv;
  readonly onHost?: true;
}

export function containerStep(
  id: StepId,
  section: Section,
  command: ContainerCommand,
  { onHost, ...words }: StepWords,
): ContainerStep {
  const inside = words.observe !== undefined && onHost !== true;
  return {
    id,
    section,
    ...words,
    ...(inside ? { observeFrom: 'inside' } : {}),
    command,
    undo: { kind: 'freedBy', step: 'process.start' },
  };
}
