/** The other end of `minidock __unpack`: starts one per request and turns its lines back into calls and errors. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ImageError } from '../errors.ts';
import type { Message } from './run-unpack.ts';
import type {
  LayerReport,
  LayerRequest,
  OverridesReport,
  OverridesRequest,
  Unpacker,
  UnpackOptions,
} from './types.ts';

/** `argv` starts the unpacking process: the program itself and '__unpack'. */
export function childUnpacker(argv: readonly [string, ...string[]]): Unpacker {
  return {
    unpackLayer: async (request, options) => (await runChild(argv, request, options)) as LayerReport,
    makeOverrides: async (request) => (await runChild(argv, request, {})) as OverridesReport,
  };
}

async function runChild(
  [program, ...args]: readonly [string, ...string[]],
  request: LayerRequest | OverridesRequest,
  { onProgress, signal }: UnpackOptions,
): Promise<LayerReport | OverridesReport> {
  signal?.throwIfAborted();
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    killSignal: 'SIGKILL',
    ...(signal === undefined ? {} : { signal }),
  });
  const exit = new Promise<string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, by) => {
      resolve(by === null ? `status ${String(status)}` : `signal ${by}`);
    });
  });
  // Awaited below; until then a failure to start must not count as unhandled.
  exit.catch(() => undefined);
  // A child that died early shows in its exit, which says more than the broken pipe.
  child.stdin.on('error', () => undefined);
  child.stdin.end(JSON.stringify(request));
  let answer: Message | undefined;
  for await (const line of createInterface({ input: child.stdout, crlfDelay: Infinity })) {
    const message = JSON.parse(line) as Message;
    if (message.kind === 'progress') onProgress?.(message.bytes);
    else answer = message;
  }
  const status = await exit;
  signal?.throwIfAborted();
  if (answer?.kind === 'report') return answer.report;
  if (answer?.kind === 'error') throw new ImageError(answer);
  throw new ImageError({
    code: 'UNPACK_FAILED',
    message: `the process that unpacks a layer ended with ${status} and without a report`,
    hint: 'it may have run out of memory: see dmesg',
  });
}
