/**
 * Runs a seccomp filter as the kernel would: the classic BPF instructions that seccomp(2) accepts, over one
 * struct seccomp_data. It knows nothing of how filters are built, so that it can judge them.
 */
export interface SystemCall {
  readonly arch: number;
  readonly nr: number;
  readonly args?: readonly (number | bigint)[];
}

/** The filter's 32-bit answer. @throws on what the kernel's checker would refuse. */
export function runFilter(program: Uint8Array, call: SystemCall): number {
  const data = new DataView(new ArrayBuffer(64));
  data.setUint32(0, call.nr >>> 0, true);
  data.setUint32(4, call.arch >>> 0, true);
  (call.args ?? []).forEach((arg, i) => data.setBigUint64(16 + i * 8, BigInt.asUintN(64, BigInt(arg)), true));

  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const length = program.byteLength / 8;
  let accumulator = 0;
  let pc = 0;
  while (pc < length) {
    const at = pc * 8;
    const opcode = code.getUint16(at, true);
    const k = code.getUint32(at + 4, true);
    const branch = (taken: boolean): number => pc + 1 + code.getUint8(at + (taken ? 2 : 3));
    switch (opcode) {
      case 0x20: // ld [k]
        if (k % 4 !== 0 || k > 60) throw new Error(`load from ${k}, outside seccomp_data`);
        accumulator = data.getUint32(k, true);
        pc += 1;
        break;
      case 0x54: // and k
        accumulator = (accumulator & k) >>> 0;
        pc += 1;
        break;
      case 0x05: // ja k
        pc += 1 + k;
        break;
      case 0x15: // jeq k
        pc = branch(accumulator === k);
        break;
      case 0x25: // jgt k
        pc = branch(accumulator > k);
        break;
      case 0x35: // jge k
        pc = branch(accumulator >= k);
        break;
      case 0x06: // ret k
        return k;
      default:
        throw new Error(`instruction ${pc} has opcode 0x${opcode.toString(16)}`);
    }
  }
  throw new Error(`the program runs off its end at ${pc}`);
}
