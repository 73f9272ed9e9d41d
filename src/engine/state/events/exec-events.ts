/** The events of an exec: its creation and start in one write, its end when the process that waits for it sees it. */
import type { ContainerConfig } from '../../spec/container.ts';
import { newId } from '../../spec/ids.ts';
import type { Paths } from '../paths.ts';
import { recordEvent, recordEvents, type NewEvent } from './event-log.ts';
import { containerEvent } from './events.ts';

export class ExecEvents {
  private readonly execID = newId();

  constructor(
    private readonly paths: Paths,
    private readonly config: ContainerConfig,
    private readonly argv: readonly string[],
  ) {}

  starting(): void {
    // As Docker has it: a space behind the program, also where no argument follows.
    const [program = '', ...args] = this.argv;
    const words = `${program} ${args.join(' ')}`;
    recordEvents(this.paths, [this.event(`exec_create: ${words}`), this.event(`exec_start: ${words}`)]);
  }

  ended(exitCode: number): void {
    recordEvent(this.paths, withStatus(this.end, exitCode));
  }

  /** Of which `withStatus` makes the event. */
  get end(): NewEvent {
    return this.event('exec_die');
  }

  private event(action: string): NewEvent {
    return containerEvent(this.config, action, { execID: this.execID });
  }
}

export const withStatus = (end: NewEvent, exitCode: number): NewEvent => ({
  ...end,
  attributes: { ...end.attributes, exitCode: String(exitCode) },
});
