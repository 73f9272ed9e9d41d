/**
 * The list of system calls that enter.ts is going to be, while it is written. Its kernel is the real one until
 * `list`: from then on it records each call that changes the process, with the same code that would make it.
 */
import { PR_CAPBSET_DROP, PR_CAPBSET_READ } from '../../syscall/constants.ts';
import { callProgramImage, callsOf, type CallProgram, type ListedCall } from '../../syscall/call-program.ts';
import { call, spellCall, type Argument, type Call } from '../../syscall/ffi.ts';
import { fileCalls } from '../../syscall/file-calls.ts';
import type { ContainerKernel, Kernel } from '../../syscall/kernel.ts';
import { kernelOver } from '../../syscall/libc.ts';
import type { CallWords } from '../init-protocol.ts';

interface Listed extends ListedCall {
  readonly step: string;
  readonly program?: string;
}

export class EnterCalls {
  readonly kernel: ContainerKernel;
  /** As CallProgram has it. */
  result: number | undefined;
  /** Of the step that is being carried out. */
  step = '';
  private readonly parts: Readonly<Record<'prepare' | 'become', Listed[]>> = { prepare: [], become: [] };
  private part: 'prepare' | 'become' = 'prepare';
  private listing = false;
  private readonly inherited: number[] = [];
  private readonly pending: ((kernel: Kernel) => void)[] = [];

  /** `make` makes a call; given by tests. */
  constructor(private readonly make: Call = call) {
    const changes = kernelOver((name, ...args) =>
      this.listing ? this.listed(name, args) : make(name, ...args),
    );
    this.kernel = { ...changes, ...fileCalls };
  }

  /** Records the calls of `action` instead of making them. */
  list(action: (kernel: Kernel) => void): void {
    this.listing = true;
    try {
      action(this.kernel);
    } finally {
      this.listing = false;
    }
  }

  add(name: ListedCall['name'], ...args: readonly Argument[]): void {
    this.parts[this.part].push({ name, args, step: this.step });
  }

  /** From here on the calls are the child's. */
  fork(): void {
    this.part = 'become';
    for (const action of this.pending) this.list(action);
  }

  /** As `list`, for the child. */
  afterFork(action: (kernel: Kernel) => void): void {
    this.pending.push(action);
  }

  /** The last one of the child. */
  execute(program: string, argv: readonly string[], env: readonly string[]): void {
    this.parts.become.push({ name: 'execve', args: [program, argv, env], step: this.step, program });
  }

  /** A descriptor that the calls use: it must not be closed when they begin. */
  keep(fd: number): number {
    this.inherited.push(fd);
    return fd;
  }

  get kept(): readonly number[] {
    return this.inherited;
  }

  image(channel: number): Buffer {
    return callProgramImage(process.arch, this.program(channel));
  }

  /** One for each call of the image's table. */
  words(channel: number): readonly CallWords[] {
    return callsOf(this.program(channel)).map((one) => ({
      step: 'step' in one ? String(one.step) : 'exec.fork',
      call: spellCall(one.name, one.args),
      ...('program' in one ? { program: String(one.program) } : {}),
    }));
  }

  private program(channel: number): CallProgram {
    return { channel, ...(this.result === undefined ? {} : { result: this.result }), ...this.parts };
  }

  private listed(name: ListedCall['name'], args: readonly Argument[]): number {
    if (name === 'prctl') {
      const [option, bit] = args;
      if (option === PR_CAPBSET_READ) return this.make(name, ...args);
      // Refused here and now if the kernel does not know that capability: a list cannot go by an answer.
      if (option === PR_CAPBSET_DROP) this.make(name, PR_CAPBSET_READ, bit ?? 0, 0, 0, 0);
    }
    this.add(name, ...args);
    return 0;
  }
}
