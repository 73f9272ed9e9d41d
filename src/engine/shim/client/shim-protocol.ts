/** The JSON messages of a shim's connections (frames.ts carries them). */
import type { EndpointSpec } from '../../spec/container.ts';
import type { Step, StepId } from '../../../../runtime/plan/step.ts';
import type { StepTime } from '../../../../runtime/plan/step-span.ts';

export type ClientMessage =
  /** Streams to be sent to this client, and whether its stdin feeds the container. */
  | { readonly type: 'attach'; readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }
  | { readonly type: 'resize'; readonly rows: number; readonly columns: number }
  | { readonly type: 'stdin-closed' }
  /** The client's descriptor `fd` is the master of a terminal that must outlive it; 'adopted' says that it will. */
  | { readonly type: 'adopt-terminal'; readonly pid: number; readonly fd: number }
  /** The answer to 'paused': do this step; do it and all that follow; undo the one before; undo what has been done. */
  | { readonly type: 'step'; readonly word: StepWord }
  /**
   * An answer is sent when the container has exited (and, with --rm, is gone); to who explains, 'heard' at once and
   * each step on the way.
   */
  | { readonly type: 'wait'; readonly explain?: boolean }
  /** 'heard' is sent at once, 'changed' when it is done; with `explain` also 'plan' and each step. */
  | NetworkRequest;

/** A running container is to be attached to one more network, or to one less. */
export type NetworkRequest = {
  readonly explain: boolean;
  /** Fault injection for tests. */
  readonly failAt?: string;
} & (
  | { readonly type: 'connect'; readonly spec: EndpointSpec }
  /** By its name. */
  | { readonly type: 'disconnect'; readonly network: string }
);

export type StepWord = 'go' | 'run-on' | 'back' | 'quit';

export type ShimMessage =
  /** Sent before anything is done, when the client asked for an explanation. */
  | { readonly type: 'plan'; readonly steps: readonly Step[]; readonly container: string }
  | ({ readonly type: 'step' } & StepTime)
  /**
   * Before a step, to the client that asked for steps: it waits for a 'step'. `pid` is PID 1, once there is one, as the
   * host sees it. After 'back': the steps undone, those of them that were done again, and why any could not be undone.
   */
  | {
      readonly type: 'paused';
      readonly id: StepId;
      readonly pid?: number;
      readonly undone?: readonly StepId[];
      readonly again?: readonly StepId[];
      readonly failures?: readonly string[];
    }
  | { readonly type: 'started'; readonly pid: number }
  | { readonly type: 'adopted' }
  | { readonly type: 'heard' }
  /** Without an error, that it is done. */
  | { readonly type: 'changed'; readonly error?: WireError }
  | { readonly type: 'warning'; readonly text: string }
  | { readonly type: 'failed'; readonly error: WireError }
  /** To a client that it is tied to: no process is left, and what the start has set up is being undone. */
  | { readonly type: 'ended'; readonly exitCode: number }
  | { readonly type: 'exited'; readonly exitCode: number; readonly oomKilled: boolean };

export interface WireError {
  readonly code: string;
  readonly message: string;
  readonly hint?: string;
  readonly exitCode?: number;
}

/** The first frame on the shim's descriptor 3. */
export interface ShimRequest {
  readonly id: string;
  readonly root: string;
  readonly run: string;
  readonly explain: boolean;
  /** One step after the other, each when the client on descriptor 3 says so. */
  readonly step?: boolean;
  /** What the client on descriptor 3 is attached to from the first byte on. */
  readonly attach: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean };
  /** The program is killed when the client on descriptor 3 is gone: a build owns the containers of its RUNs. */
  readonly tied?: boolean;
  /** Variables that only the program gets: no file has them, so they last for one start. */
  readonly secretEnv?: readonly string[];
  /** What stops half-way by who steps through it is removed, and not kept to be started again. */
  readonly forget?: boolean;
  /** The window size of the terminal that waits for the container, if there is one. */
  readonly size?: { readonly rows: number; readonly columns: number };
}

/** What a shim tells, and how to answer it. */
export type MessageHandler = (message: ShimMessage, answer: (message: ClientMessage) => void) => void;
