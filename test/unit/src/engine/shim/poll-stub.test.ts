/** The program a sleeping shim is: its bytes for both machines, and what it does on those at hand. */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { POLLIN } from '../../../../../runtime/syscall/loops.ts';
import { pollStub } from '../../../../../src/engine/shim/poll-stub.ts';
import { testUnless } from '../../../../support/host/requirements.ts';

const ENTRY = 232;
const DATA = 512;
const stdin = { fd: 0, events: POLLIN };

/** In words of `size` bytes, as a disassembler shows them. */
function codeOf(image: Buffer, length: number): string {
  expect(image.subarray(ENTRY + length, DATA).every((byte) => byte === 0)).toBe(true);
  return image.subarray(ENTRY, ENTRY + length).toString('hex');
}

const hex = (listing: string): string => listing.replace(/ *#.*$/gm, '').replace(/\s+/g, '');

describe('the code, as a disassembler reads it back', () => {
  test('x86-64', () => {
    expect(codeOf(pollStub('x64', [stdin], 9), 100)).toBe(
      hex(`
        4889e3        # mov rbx, rsp
        bf0f000000    # mov edi, PR_SET_NAME
        be28024100    # mov esi, name
        b89d000000    # mov eax, prctl
        0f05          # syscall
        bf10024100    # again: mov edi, entries
        be01000000    # mov esi, 1
        ba00000000    # mov edx, NULL
        41ba00000000  # mov r10d, NULL
        41b800000000  # mov r8d, 0
        b80f010000    # mov eax, ppoll
        0f05          # syscall
        bf18024100    # mov edi, path
        488d7308      # lea rsi, [rbx+8]
        488b13        # mov rdx, [rbx]
        488d54d310    # lea rdx, [rbx+rdx*8+16]
        b83b000000    # mov eax, execve
        0f05          # syscall
        bf00024100    # mov edi, second
        be00000000    # mov esi, NULL
        b823000000    # mov eax, nanosleep
        0f05          # syscall
        e9b0ffffff    # jmp again
      `),
    );
  });

  test('arm64', () => {
    const image = pollStub('arm64', [stdin], 9);
    const code = hex(`
      910003f3 # mov x19, sp
      d28001e0 f2a00000 # mov x0, PR_SET_NAME
      d2804501 f2a00821 # mov x1, name
      d28014e8 f2a00008 # mov x8, prctl
      d4000001 # svc #0
      d2804200 f2a00820 # again: mov x0, entries
      d2800021 f2a00001 # mov x1, 1
      d2800002 f2a00002 # mov x2, NULL
      d2800003 f2a00003 # mov x3, NULL
      d2800004 f2a00004 # mov x4, 0
      d2800928 f2a00008 # mov x8, ppoll
      d4000001 # svc #0
      d2804300 f2a00820 # mov x0, path
      91002261 # add x1, x19, #8
      f9400262 # ldr x2, [x19]
      8b020e62 # add x2, x19, x2, lsl #3
      91004042 # add x2, x2, #16
      d2801ba8 f2a00008 # mov x8, execve
      d4000001 # svc #0
      d2804000 f2a00820 # mov x0, second
      d2800001 f2a00001 # mov x1, NULL
      d2800ca8 f2a00008 # mov x8, nanosleep
      d4000001 # svc #0
      17ffffe3 # b again
    `);
    const words = Buffer.from(code, 'hex').swap32().toString('hex');
    expect(codeOf(image, code.length / 2)).toBe(words);
  });
});

test('the file: a program of its machine, nothing both writable and executable, the data where the code looks', () => {
  const image = pollStub('x64', [stdin, { fd: 7, events: POLLIN }], 9);
  expect(image.toString('latin1', 0, 7)).toBe('\x7fELF\x02\x01\x01');
  expect(image.readUInt16LE(18)).toBe(62);
  expect(pollStub('arm64', [stdin], 9).readUInt16LE(18)).toBe(183);
  const flags = [0, 1, 2].map((at) => image.readUInt32LE(64 + at * 56 + 4));
  expect(flags).toEqual([0b101, 0b110, 0b110]);
  // second {1, 0}, entries {0, POLLIN}, {7, POLLIN}, then the strings.
  expect(image.readBigInt64LE(DATA)).toBe(1n);
  expect(image.subarray(DATA + 16, DATA + 32).toString('hex')).toBe('00000000010000000700000001000000');
  expect(image.toString('latin1', DATA + 32)).toMatch(/^\/proc\/self\/fd\/9\0+minidock\0+$/);
});

describe('what it does', () => {
  const runs = async (arch: string, before: readonly string[]): Promise<void> => {
    const dir = mkdtempSync(join(tmpdir(), 'minidock-poll-stub-'));
    const file = join(dir, 'poll-stub');
    writeFileSync(file, pollStub(arch, [stdin], 3), { mode: 0o700 });
    const target = openSync('/bin/sh', 'r');
    try {
      // The arguments and the environment it gets are those of what it executes.
      const [program = '', ...args] = [
        ...before,
        file,
        '-c',
        'read line; echo "$line $VALUE $1"',
        'sh',
        'end',
      ];
      const child = spawn(program, args, {
        stdio: ['pipe', 'pipe', 'inherit', target],
        env: { VALUE: 'kept' },
      });
      let output = '';
      child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
      child.stdin?.write('woken\n');
      await new Promise((resolve) => child.on('close', resolve));
      expect([child.exitCode, output]).toEqual([0, 'woken kept end\n']);
    } finally {
      closeSync(target);
      rmSync(dir, { recursive: true });
    }
  };

  test('on this machine', () => runs(process.arch, []));

  const qemu = spawnSync('qemu-aarch64', ['--version']).status === 0;
  testUnless(qemu ? '' : 'no qemu-aarch64 (qemu-user)', 'on arm64, emulated', () =>
    runs('arm64', ['/usr/bin/qemu-aarch64']),
  );
});
