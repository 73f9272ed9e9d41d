/**
 * The code of a call program (call-program.ts) for both machines: a loop that makes one system call after the other
 * out of a table in memory, and the little that a table cannot say.
 *
 *     next:    number and arguments from the entry; a negative number: go to end
 *              system call; an error: go to fail
 *              not 0 and the entry names one for the parent:
 *                  that entry is next, and its first argument is the child's number
 *              else the entry behind is next
 *     fail:    report = {address of the entry, errno}; write(channel, report); exit_group(125)
 *     end:     wait for a child, exit_group(its status, or 128 and its signal)
 *
 * Pure. Encodings follow the Intel 64 manual, volume 2, and the Arm ARM, section C6. The length of the code is the same
 * whatever the addresses.
 */
import { ENTRY_SIZE, REPORT_SIZE } from './call-report.ts';
import { syscallNumbers } from './numbers.ts';

export interface CallCodePlaces {
  /** Of the first entry. */
  readonly table: number;
  /** Two words that every process of the program shares. */
  readonly report: number;
  /** An int for wait4(2). */
  readonly status: number;
  /** The descriptor that reports are written to. */
  readonly channel: number;
}

/** Of an entry, behind number and arguments. */
export const PARENT_WORD = 7;
/** In place of a number. */
export const END = -1n;
/** As of every process that minidock starts and that never becomes the program. */
const FAILED = 125;
const ALL_CHILDREN = -1;

/** A piece of code: bytes, a place to jump to, or a jump there. */
type Piece =
  | readonly number[]
  | { readonly label: string }
  | {
      readonly to: string;
      readonly size: number;
      /** `distance` from the beginning of the jump, in bytes. */
      readonly encode: (distance: number) => readonly number[];
    };

export function callCode(arch: string, places: CallCodePlaces): readonly number[] {
  return assemble(arch === 'arm64' ? arm64(places) : x86(places));
}

function assemble(pieces: readonly Piece[]): readonly number[] {
  const sizeOf = (piece: Piece): number => ('label' in piece ? 0 : 'to' in piece ? piece.size : piece.length);
  const labels = new Map<string, number>();
  let at = 0;
  for (const piece of pieces) {
    if ('label' in piece) labels.set(piece.label, at);
    at += sizeOf(piece);
  }
  at = 0;
  return pieces.flatMap((piece) => {
    const here = at;
    at += sizeOf(piece);
    if ('label' in piece) return [];
    return 'to' in piece ? piece.encode((labels.get(piece.to) ?? 0) - here) : piece;
  });
}

const word = (value: number): readonly number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);

function x86({ table, report, status, channel }: CallCodePlaces): readonly Piece[] {
  const { write, exit_group: exitGroup, wait4 } = syscallNumbers('x64');
  const jump = (opcode: number, to: string): Piece => ({
    to,
    size: 2,
    encode: (distance) => [opcode, (distance - 2) & 0xff],
  });
  const [ALWAYS, ABOVE, ZERO, SIGN] = [0xeb, 0x77, 0x74, 0x78];
  const syscall = [0x0f, 0x05];
  return [
    [0xbb, ...word(table)], // mov ebx, table
    { label: 'next' },
    [0x48, 0x8b, 0x7b, 0x08], // mov rdi, [rbx+8]
    [0x48, 0x8b, 0x73, 0x10], // mov rsi, [rbx+16]
    [0x48, 0x8b, 0x53, 0x18], // mov rdx, [rbx+24]
    [0x4c, 0x8b, 0x53, 0x20], // mov r10, [rbx+32]
    [0x4c, 0x8b, 0x43, 0x28], // mov r8, [rbx+40]
    [0x4c, 0x8b, 0x4b, 0x30], // mov r9, [rbx+48]
    [0x48, 0x8b, 0x03], // mov rax, [rbx]
    [0x48, 0x85, 0xc0], // test rax, rax
    jump(SIGN, 'end'),
    syscall,
    [0x48, 0x3d, ...word(-4096)], // cmp rax, -4096
    jump(ABOVE, 'fail'),
    [0x48, 0x85, 0xc0], // test rax, rax
    jump(ZERO, 'behind'),
    [0x48, 0x8b, 0x4b, 0x38], // mov rcx, [rbx+56]
    [0x48, 0x85, 0xc9], // test rcx, rcx
    jump(ZERO, 'behind'),
    [0x48, 0x89, 0xcb], // mov rbx, rcx
    [0x48, 0x89, 0x43, 0x08], // mov [rbx+8], rax
    jump(ALWAYS, 'next'),
    { label: 'behind' },
    [0x48, 0x83, 0xc3, ENTRY_SIZE], // add rbx, 64
    jump(ALWAYS, 'next'),
    { label: 'fail' },
    [0x48, 0xf7, 0xd8], // neg rax
    [0xbe, ...word(report)], // mov esi, report
    [0x48, 0x89, 0x1e], // mov [rsi], rbx
    [0x48, 0x89, 0x46, 0x08], // mov [rsi+8], rax
    [0xbf, ...word(channel)], // mov edi, channel
    [0xba, ...word(REPORT_SIZE)], // mov edx, 16
    [0xb8, ...word(write)], // mov eax, write
    syscall,
    { label: 'lost' },
    [0xbf, ...word(FAILED)], // mov edi, 125
    jump(ALWAYS, 'exit'),
    { label: 'end' },
    [0x48, 0xc7, 0xc7, ...word(ALL_CHILDREN)], // mov rdi, -1
    [0xbe, ...word(status)], // mov esi, status
    [0x31, 0xd2], // xor edx, edx
    [0x45, 0x31, 0xd2], // xor r10d, r10d
    [0xb8, ...word(wait4)], // mov eax, wait4
    syscall,
    [0x48, 0x85, 0xc0], // test rax, rax
    jump(SIGN, 'lost'),
    [0x8b, 0x06], // mov eax, [rsi]
    [0x89, 0xc7], // mov edi, eax
    [0x83, 0xe7, 0x7f], // and edi, 0x7f
    jump(ZERO, 'exited'),
    [0x81, 0xc7, ...word(128)], // add edi, 128
    jump(ALWAYS, 'exit'),
    { label: 'exited' },
    [0x0f, 0xb6, 0xfc], // movzx edi, ah
    { label: 'exit' },
    [0xb8, ...word(exitGroup)], // mov eax, exit_group
    syscall,
  ];
}

function arm64({ table, report, status, channel }: CallCodePlaces): readonly Piece[] {
  const { write, exit_group: exitGroup, wait4 } = syscallNumbers('arm64');
  /** `bits` of the distance in words, from bit `at` of the instruction on. */
  const jump = (opcode: number, to: string, bits: number, at: number): Piece => ({
    to,
    size: 4,
    encode: (distance) => word((opcode | (((distance / 4) & (2 ** bits - 1)) << at)) >>> 0),
  });
  const branch = (to: string): Piece => jump(0x14000000, to, 26, 0);
  const set = (register: number, value: number): readonly number[] => [
    ...word((0xd2800000 | ((value & 0xffff) << 5) | register) >>> 0), // movz xN, low half
    ...word((0xf2a00000 | ((value >>> 16) << 5) | register) >>> 0), // movk xN, high half, lsl 16
  ];
  const svc = word(0xd4000001); // svc #0
  return [
    set(19, table),
    { label: 'next' },
    // ldr xN, [x19, #8 * (N + 1)]
    [0, 1, 2, 3, 4, 5].flatMap((n) => word((0xf9400260 | ((n + 1) << 10) | n) >>> 0)),
    word(0xf9400268), // ldr x8, [x19]
    jump(0xb7f80008, 'end', 14, 5), // tbnz x8, #63, end
    svc,
    word(0xb13ffc1f), // cmn x0, #4095
    jump(0x54000002, 'fail', 19, 5), // b.hs fail
    jump(0xb4000000, 'behind', 19, 5), // cbz x0, behind
    word(0xf9401e69), // ldr x9, [x19, #56]
    jump(0xb4000009, 'behind', 19, 5), // cbz x9, behind
    word(0xaa0903f3), // mov x19, x9
    word(0xf9000660), // str x0, [x19, #8]
    branch('next'),
    { label: 'behind' },
    word(0x91010273), // add x19, x19, #64
    branch('next'),
    { label: 'fail' },
    word(0xcb0003e9), // neg x9, x0
    set(1, report),
    word(0xf9000033), // str x19, [x1]
    word(0xf9000429), // str x9, [x1, #8]
    set(0, channel),
    set(2, REPORT_SIZE),
    set(8, write),
    svc,
    { label: 'lost' },
    set(0, FAILED),
    branch('exit'),
    { label: 'end' },
    word(0x92800000), // mov x0, #-1
    set(1, status),
    set(2, 0),
    set(3, 0),
    set(8, wait4),
    svc,
    jump(0xb7f80000, 'lost', 14, 5), // tbnz x0, #63, lost
    word(0xb9400029), // ldr w9, [x1]
    word(0x72001920), // ands w0, w9, #0x7f
    jump(0x54000000, 'exited', 19, 5), // b.eq exited
    word(0x11020000), // add w0, w0, #128
    branch('exit'),
    { label: 'exited' },
    word(0x53083d20), // ubfx w0, w9, #8, #8
    { label: 'exit' },
    set(8, exitGroup),
    svc,
  ];
}
