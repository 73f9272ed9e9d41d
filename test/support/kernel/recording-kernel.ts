/** A kernel that does nothing but write down what it is asked, one line a call; answers can be given beforehand. */
import type { ContainerKernel } from '../../../runtime/syscall/kernel.ts';

export interface RecordingKernel {
  readonly kernel: ContainerKernel;
  /** `mount("proc", "/proc", "proc", 14, "")` and so on, in order. */
  readonly calls: readonly string[];
}

type Answers = { readonly [name in keyof ContainerKernel]?: (...args: never[]) => unknown };

export function recordingKernel(answers: Answers = {}): RecordingKernel {
  const calls: string[] = [];
  const kernel = new Proxy({} as ContainerKernel, {
    get:
      (_target, name: string) =>
      (...args: unknown[]) => {
        calls.push(`${name}(${args.map(spell).join(', ')})`);
        const answer = answers[name as keyof ContainerKernel] as
          ((...args: unknown[]) => unknown) | undefined;
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
