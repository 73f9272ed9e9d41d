/**
 * An executable file of less than a page and its data, written by minidock itself: for the moments when a process
 * must be something far smaller than a JavaScript engine (a sleeping shim, the process between exec and the program).
 * No libc, no loader, no environment of its own: code, and data at an address that the code knows.
 *
 * Pure: bytes from bytes. The format is that of elf(5).
 */

/** e_machine of elf(5). */
const MACHINES: Readonly<Record<string, number>> = { x64: 62, arm64: 183 };

const HEADER = 64;
const PROGRAM_HEADER = 56;
const CODE_OFFSET = HEADER + 3 * PROGRAM_HEADER;
const DATA_OFFSET = 512;
/** The file is mapped twice, for execution and for writing: no memory is ever both. Apart by the largest page size. */
const CODE_ADDRESS = 0x400000;
const DATA_ADDRESS = 0x410000;
const ALIGNMENT = 0x10000;
const [PF_X, PF_W, PF_R] = [1, 2, 4];
const [PT_LOAD, PT_GNU_STACK] = [1, 0x6474e551];

/** Where the data of elfImage lies in memory. */
export const DATA = DATA_ADDRESS + DATA_OFFSET;

/** `arch` as in process.arch; the code begins with its first byte and fits in front of the data. */
export function elfImage(arch: string, code: readonly number[], data: Uint8Array): Buffer {
  if (code.length > DATA_OFFSET - CODE_OFFSET) throw new RangeError('the code reaches into the data');
  const image = Buffer.alloc(DATA_OFFSET + data.length);
  image.set(code, CODE_OFFSET);
  image.set(data, DATA_OFFSET);
  writeHeaders(image, MACHINES[arch] ?? 0);
  return image;
}

function writeHeaders(image: Buffer, machine: number): void {
  // 64-bit, little endian, version 1.
  image.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const half = (value: number, offset: number): number => image.writeUInt16LE(value, offset);
  const long = (value: number, offset: number): bigint | number =>
    image.writeBigUInt64LE(BigInt(value), offset);
  half(2, 16); // ET_EXEC
  half(machine, 18);
  image.writeUInt32LE(1, 20);
  long(CODE_ADDRESS + CODE_OFFSET, 24); // e_entry
  long(HEADER, 32); // e_phoff
  half(HEADER, 52);
  half(PROGRAM_HEADER, 54);
  const segments = [
    { type: PT_LOAD, flags: PF_R | PF_X, address: CODE_ADDRESS, length: DATA_OFFSET },
    { type: PT_LOAD, flags: PF_R | PF_W, address: DATA_ADDRESS, length: image.length },
    { type: PT_GNU_STACK, flags: PF_R | PF_W, address: 0, length: 0 },
  ];
  half(segments.length, 56);
  segments.forEach(({ type, flags, address, length }, at) => {
    const offset = HEADER + at * PROGRAM_HEADER;
    image.writeUInt32LE(type, offset);
    image.writeUInt32LE(flags, offset + 4);
    long(address, offset + 16); // p_vaddr
    long(address, offset + 24); // p_paddr
    long(length, offset + 32); // p_filesz
    long(length, offset + 40); // p_memsz
    long(type === PT_LOAD ? ALIGNMENT : 16, offset + 48);
  });
}

/** Lays parts out one behind the other, each at a multiple of eight, as the kernel wants its structures. */
export class DataLayout {
  private readonly parts: Uint8Array[] = [];
  private length = 0;

  /** The address in memory of what is added. */
  add(bytes: Uint8Array): number {
    const address = DATA + this.length;
    this.parts.push(bytes, new Uint8Array(-bytes.byteLength & 7));
    this.length += (bytes.byteLength + 7) & ~7;
    return address;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }
}
