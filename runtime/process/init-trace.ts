/**
 * Adds the spans that a process sends through init-protocol.ts to this process's trace, with its PID and name, and
 * with what it cannot measure: its start, its execve(2), and the program's run time.
 */
import type { ContainerCommand } from '../plan/command.ts';
import { tellTrace, traceClock, type SpanArgs, type SpanKind, type TraceEvent } from '../trace.ts';

export class InitTrace {
  private pid = 0;
  /** The end of the last span received, of traceClock. */
  private last = 0;
  private heard = false;

  constructor(private readonly name: string) {}

  /** To be called right before its command is started. */
  spawning(): void {
    this.last = traceClock();
  }

  hello(pid: number): void {
    this.pid = pid;
    tellTrace({ type: 'name', pid, name: this.name });
  }

  receive(event: TraceEvent): void {
    if (event.type !== 'span') return;
    if (!this.heard) this.tell('start', 'namespaces, fork, execve', event.begin);
    this.heard = true;
    this.last = event.begin + event.ms;
    tellTrace({ ...event, pid: this.pid });
  }

  /** By `step`, the last of the plan. */
  executed(step: string, command: Extract<ContainerCommand, { kind: 'exec' }>): void {
    const { argv } = command;
    this.tell('step', step, traceClock(), { steps: [step], commands: [command], outcome: 'done' });
    tellTrace({ type: 'begin', pid: this.pid, name: argv[0], args: { argv } });
  }

  ended(status: number): void {
    tellTrace({ type: 'end', pid: this.pid, name: '', args: { status } });
  }

  private tell(kind: SpanKind, name: string, end: number, args: SpanArgs = {}): void {
    const begin = this.last;
    tellTrace({ type: 'span', kind, name, begin, ms: end - begin, args, lane: 0, pid: this.pid });
  }
}
