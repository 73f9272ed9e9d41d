/** The program that exec's process is for a moment: its bytes for both machines, and what it does on those at hand. */
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { callCode, END } from '../../../../runtime/syscall/call-machine.ts';
import {
  CALL_TABLE,
  callProgramImage,
  callsOf,
  type CallProgram,
  type ListedCall,
} from '../../../../runtime/syscall/call-program.ts';
import { ENTRY_SIZE, readReport, type CallReport } from '../../../../runtime/syscall/call-report.ts';
import { syscallNumbers } from '../../../../runtime/syscall/numbers.ts';
import { DATA, elfImage } from '../../../../runtime/syscall/tiny-elf.ts';
import { testUnless } from '../../../support/host/requirements.ts';

const places = { table: 0x410200, report: 0x200000, status: 0x410300, channel: 3 };
const hex = (listing: string): string => listing.replace(/ *#.*$/gm, '').replace(/\s+/g, '');
const codeOf = (arch: string): Buffer => Buffer.from(callCode(arch, places));

describe('the code, as a disassembler reads it back', () => {
  test('x86-64', () => {
    expect(codeOf('x64').toString('hex')).toBe(
      hex(`
        bb00024100      # mov ebx, table
        488b7b08        # next: mov rdi, [rbx+8]
        488b7310        # mov rsi, [rbx+16]
        488b5318        # mov rdx, [rbx+24]
        4c8b5320        # mov r10, [rbx+32]
        4c8b4328        # mov r8, [rbx+40]
        4c8b4b30        # mov r9, [rbx+48]
        488b03          # mov rax, [rbx]
        4885c0          # test rax, rax
        784e            # js end
        0f05            # syscall
        483d00f0ffff    # cmp rax, -4096
        771d            # ja fail
        4885c0          # test rax, rax
        7412            # je behind
        488b4b38        # mov rcx, [rbx+56]
        4885c9          # test rcx, rcx
        7409            # je behind
        4889cb          # mov rbx, rcx
        48894308        # mov [rbx+8], rax
        ebbf            # jmp next
        4883c340        # behind: add rbx, 64
        ebb9            # jmp next
        48f7d8          # fail: neg rax
        be00002000      # mov esi, report
        48891e          # mov [rsi], rbx
        48894608        # mov [rsi+8], rax
        bf03000000      # mov edi, channel
        ba10000000      # mov edx, 16
        b801000000      # mov eax, write
        0f05            # syscall
        bf7d000000      # lost: mov edi, 125
        eb31            # jmp exit
        48c7c7ffffffff  # end: mov rdi, -1
        be00034100      # mov esi, status
        31d2            # xor edx, edx
        4531d2          # xor r10d, r10d
        b83d000000      # mov eax, wait4
        0f05            # syscall
        4885c0          # test rax, rax
        78dc            # js lost
        8b06            # mov eax, [rsi]
        89c7            # mov edi, eax
        83e77f          # and edi, 0x7f
        7408            # je exited
        81c780000000    # add edi, 128
        eb03            # jmp exit
        0fb6fc          # exited: movzx edi, ah
        b8e7000000      # exit: mov eax, exit_group
        0f05            # syscall
      `),
    );
  });

  test('arm64', () => {
    const words = Buffer.from(
      hex(`
        d2804013 f2a00833 # mov x19, table
        f9400660 # next: ldr x0, [x19, #8]
        f9400a61 # ldr x1, [x19, #16]
        f9400e62 # ldr x2, [x19, #24]
        f9401263 # ldr x3, [x19, #32]
        f9401664 # ldr x4, [x19, #40]
        f9401a65 # ldr x5, [x19, #48]
        f9400268 # ldr x8, [x19]
        b7f80368 # tbnz x8, #63, end
        d4000001 # svc #0
        b13ffc1f # cmn x0, #4095
        54000122 # b.hs fail
        b40000c0 # cbz x0, behind
        f9401e69 # ldr x9, [x19, #56]
        b4000089 # cbz x9, behind
        aa0903f3 # mov x19, x9
        f9000660 # str x0, [x19, #8]
        17fffff0 # b next
        91010273 # behind: add x19, x19, #64
        17ffffee # b next
        cb0003e9 # fail: neg x9, x0
        d2800001 f2a00401 # mov x1, report
        f9000033 # str x19, [x1]
        f9000429 # str x9, [x1, #8]
        d2800060 f2a00000 # mov x0, channel
        d2800202 f2a00002 # mov x2, 16
        d2800808 f2a00008 # mov x8, write
        d4000001 # svc #0
        d2800fa0 f2a00000 # lost: mov x0, 125
        14000012 # b exit
        92800000 # end: mov x0, #-1
        d2806001 f2a00821 # mov x1, status
        d2800002 f2a00002 # mov x2, 0
        d2800003 f2a00003 # mov x3, 0
        d2802088 f2a00008 # mov x8, wait4
        d4000001 # svc #0
        b7fffe60 # tbnz x0, #63, lost
        b9400029 # ldr w9, [x1]
        72001920 # ands w0, w9, #0x7f
        54000060 # b.eq exited
        11020000 # add w0, w0, #128
        14000002 # b exit
        53083d20 # exited: ubfx w0, w9, #8, #8
        d2800bc8 f2a00008 # exit: mov x8, exit_group
        d4000001 # svc #0
      `),
      'hex',
    );
    expect(codeOf('arm64').toString('hex')).toBe(words.swap32().toString('hex'));
  });
});

const sh = (script: string): ListedCall => ({
  name: 'execve',
  args: ['/bin/sh', ['sh', '-c', script], ['VALUE=kept']],
});

interface Outcome {
  readonly status: number | null;
  readonly output: string;
  /** As many bytes as came through the channel, which is descriptor 3. */
  readonly report: Buffer;
}

/** The program, run by itself or by an emulator. */
async function run(image: Buffer, before: readonly string[] = []): Promise<Outcome> {
  const dir = mkdtempSync(join(tmpdir(), 'minidock-calls-'));
  const file = join(dir, 'program');
  writeFileSync(file, image, { mode: 0o700 });
  const channel = openSync(join(dir, 'report'), 'w');
  try {
    const [program = '', ...args] = [...before, file];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit', channel] });
    let output = '';
    child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
    const status = await new Promise<number | null>((resolve) => child.on('close', resolve));
    return { status, output, report: readFileSync(join(dir, 'report')) };
  } finally {
    closeSync(channel);
    rmSync(dir, { recursive: true });
  }
}

const reported = ({ report }: Outcome): CallReport | undefined => readReport(report, CALL_TABLE);

describe('what it does on this machine', () => {
  const program = (become: readonly ListedCall[], prepare: readonly ListedCall[] = []): CallProgram => ({
    channel: 3,
    prepare,
    become,
  });
  const runProgram = (...parts: Parameters<typeof program>): Promise<Outcome> =>
    run(callProgramImage(process.arch, program(...parts)));

  test('the program runs, and the status is its own', async () => {
    const outcome = await runProgram([sh('echo "$VALUE"; exit 5')]);
    expect(outcome).toMatchObject({ status: 5, output: 'kept\n' });
    expect([outcome.report.length, reported(outcome)]).toEqual([16, undefined]);
  });

  test('a signal that ends it is 128 and its number', async () => {
    expect(await runProgram([sh('kill -KILL $$')])).toMatchObject({ status: 137 });
  });

  test('it has three descriptors and is a child of the waiter’s', async () => {
    const { output } = await runProgram([sh('ls /proc/self/fd | wc -l; cat /proc/$PPID/comm')]);
    // The fourth is ls's own.
    expect(output).toMatch(/^ *4\nminidock\n$/);
  });

  test('what is prepared holds for it', async () => {
    const umask: ListedCall = { name: 'umask', args: [0o77] };
    expect(await runProgram([sh('umask')], [umask])).toMatchObject({ output: '0077\n' });
  });

  test.each<{ where: string; become?: ListedCall[]; prepare?: ListedCall[]; name: string; errno: number }>([
    { where: 'prepared', prepare: [{ name: 'setns', args: [0, 0] }], name: 'setns', errno: 22 },
    { where: 'the child’s', become: [{ name: 'fchdir', args: [9] }], name: 'fchdir', errno: 9 },
    { where: 'execve', become: [{ name: 'execve', args: ['/no', ['x'], []] }], name: 'execve', errno: 2 },
  ])('a call that fails, $where: nothing after it is done, and which it was', async (example) => {
    const { become = [], prepare = [], name, errno } = example;
    const whole = program([...become, sh('echo reached')], prepare);
    const outcome = await run(callProgramImage(process.arch, whole));
    expect(outcome).toMatchObject({ status: 125, output: '' });
    const report = reported(outcome);
    expect([callsOf(whole)[report?.index ?? -1]?.name, report?.errno]).toEqual([name, errno]);
  });

  test('killed before there is a program: no success', async () => {
    const alone: ListedCall = { name: 'setsid', args: [] };
    const killed: ListedCall = { name: 'kill', args: [0, 9] };
    const outcome = await runProgram([sh('echo reached')], [alone, killed]);
    expect(outcome).toMatchObject({ status: 125, output: '' });
    expect(reported(outcome)).toEqual({ index: -1, errno: 0 });
  });

  test('structures and lists are passed by address', () => {
    const filter = Buffer.from('0123456789abcdef');
    const seccomp: ListedCall = { name: 'seccomp', args: [1, 0, { words: [2n, filter] }] };
    const whole = program([sh('true')], [seccomp]);
    const image = callProgramImage('x64', whole);
    const index = callsOf(whole).findIndex(({ name }) => name === 'seccomp');
    const at = (address: bigint): number => Number(address) - DATA + 512;
    const fprog = at(image.readBigUInt64LE(512 + index * ENTRY_SIZE + 3 * 8));
    expect(image.readBigUInt64LE(fprog)).toBe(2n);
    const bytes = at(image.readBigUInt64LE(fprog + 8));
    expect(image.toString('latin1', bytes, bytes + 16)).toBe('0123456789abcdef');
  });
});

/** qemu-user knows no CLONE_PARENT, so here the code is shown with a table that forks once. */
describe('on arm64, emulated', () => {
  const qemu = spawnSync('qemu-aarch64', ['--version']).status === 0;
  const arm = (child: readonly ListedCall[]): Buffer => {
    const numbers = syscallNumbers('arm64');
    const calls: ListedCall[] = [
      { name: 'mmap', args: [0x200000, 4096, 3, 0x31, -1, 0] },
      { name: 'clone', args: [17] },
      ...child,
    ];
    const table = Buffer.alloc((calls.length + 2) * ENTRY_SIZE);
    const word = (entry: number, at: number, value: bigint): number =>
      table.writeBigInt64LE(value, entry * ENTRY_SIZE + at * 8);
    calls.forEach(({ name, args }, entry) => {
      word(entry, 0, BigInt(numbers[name]));
      args.forEach((arg, at) => word(entry, at + 1, BigInt(arg as number)));
    });
    word(1, 7, BigInt(DATA + calls.length * ENTRY_SIZE));
    word(calls.length, 0, END);
    const at = { table: DATA, report: 0x200000, status: DATA + (calls.length + 1) * ENTRY_SIZE, channel: 3 };
    return elfImage('arm64', callCode('arm64', at), table);
  };
  const emulated = (child: readonly ListedCall[]): Promise<Outcome> =>
    run(arm(child), ['/usr/bin/qemu-aarch64']);
  const missing = qemu ? '' : 'no qemu-aarch64 (qemu-user)';

  testUnless(missing, 'the status of the child', async () => {
    expect(await emulated([{ name: 'exit_group', args: [7] }])).toMatchObject({ status: 7 });
  });

  testUnless(missing, 'a call that fails', async () => {
    const outcome = await emulated([{ name: 'fchdir', args: [9] }]);
    expect(outcome.status).toBe(125);
    expect(reported(outcome)).toEqual({ index: 2, errno: 9 });
  });
});
