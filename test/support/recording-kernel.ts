/** A kernel that does nothing but write down what it is asked, one line a call; answers can be given beforehand. */
import type { Kernel } from '../../runtime/syscall/kernel.ts';

export interface RecordingKernel {
  readonly kernel: Kernel;
  /** `mount("proc", "/proc", "proc", 14, "")` and so on, in order. */
  readonly calls: readonly string[];
}

type Answers = { readonly [name in keyof Kernel]?: (...args: never[]) => unknown };

export function recordingKernel(answers: Answers = {}): RecordingKernel {
  const calls: string[] = [];
  const kernel = new Proxy({} as Kernel, {
    get:
      (_target, name: string) =>
      (...args: unknown[]) => {
        calls.push(`${name}(${args.map(spell).join(', ')})`);
        const answer = answers[name as keyof Kernel] as ((...args: unknown[]) => unknown) | undefined;
        return answer?.(...args) ?? 0;
      },
  });
  return { kernel, calls };
}

function spell(value: unknown): string {
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  if (value instanceof Uint8Array) return `<${value.byteLength} bytes>`;
  return JSON.stringify(value);
}
