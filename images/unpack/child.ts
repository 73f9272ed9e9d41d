/** The other end of `minidock __unpack`: starts one per request and turns its lines back into calls and errors. */
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Writable } from 'node:stream';
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

/**
 * JavaScriptCore's last compiler works longer on the few loops there are than its code then saves: without it a layer
 * takes 8 % less processor time, and one of 60,000 small files no more.
 */
const shortLived = { BUN_JSC_useFTLJIT: '0' };

async function runChild(
  [program, ...args]: readonly [string, ...string[]],
  request: LayerRequest | OverridesRequest,
  { onProgress, more, signal }: UnpackOptions,
): Promise<LayerReport | OverridesReport> {
  signal?.throwIfAborted();
  const child = spawn(program, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    killSignal: 'SIGKILL',
    env: { ...process.env, ...shortLived },
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
  child.stdin.write(`${JSON.stringify(request)}\n`);
  // A failure to tell of more shows in the child's answer: it gets the end of the input, and misses the rest.
  ringFor(child.stdin, more).catch(() => undefined);
  let answer: Message | undefined;
  for await (const line of createInterface({ input: child.stdout, crlfDelay: Infinity })) {
    const message = JSON.parse(line) as Message;
    if (message.kind === 'progress') onProgress?.(message.bytes);
    else {
      answer = message;
      child.stdin.end();
    }
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

/** One byte whenever there is more of the blob to read, and the end of the input when all of it is there. */
async function ringFor(input: Writable, more: UnpackOptions['more']): Promise<void> {
  try {
    while (more !== undefined && (await more())) input.write('.');
  } finally {
    input.end();
  }
}
