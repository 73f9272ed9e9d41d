/**
 * Runs a cgroup device filter as the kernel would: the few eBPF instructions such a program needs, over one
 * struct bpf_cgroup_dev_ctx. It knows nothing of how filters are built, so that it can judge them.
 */
export interface DeviceAccess {
  readonly type: 'b' | 'c';
  /** Of 'r', 'w' and 'm' (mknod). */
  readonly access: string;
  readonly major: number;
  readonly minor: number;
}

/** Whether the access is allowed. @throws on what the kernel's verifier would refuse. */
export function runDeviceFilter(program: Uint8Array, { type, access, major, minor }: DeviceAccess): boolean {
  const bits = { m: 1, r: 2, w: 4 } as const;
  const asked = [...access].reduce((sum, letter) => sum | bits[letter as keyof typeof bits], 0);
  const context = [(asked << 16) | (type === 'b' ? 1 : 2), major, minor];
  const code = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const registers: (number | undefined)[] = new Array<undefined>(11);
  const read = (register: number): number => {
    const value = registers[register];
    if (value === undefined) throw new Error(`R${register} is read before it is written`);
    return value;
  };
  for (let pc = 0; pc < program.byteLength / 8; pc++) {
    const at = pc * 8;
    const to = code.getUint8(at + 1) & 0xf;
    const from = code.getUint8(at + 1) >> 4;
    const offset = code.getInt16(at + 2, true);
    const value = code.getInt32(at + 4, true);
    const opcode = code.getUint8(at);
    switch (opcode) {
      case 0x61: // ldx w, from the context in R1
        if (from !== 1 || registers[1] !== undefined) throw new Error('a load that is not from the context');
        registers[to] = context[offset / 4];
        read(to);
        break;
      case 0xb7: // mov64 imm
        registers[to] = value;
        break;
      case 0xbc: // mov32 reg
        registers[to] = read(from);
        break;
      case 0x54: // and32 imm
        registers[to] = (read(to) & value) >>> 0;
        break;
      case 0x74: // rsh32 imm
        registers[to] = read(to) >>> value;
        break;
      case 0x15: // jeq imm
        if (read(to) === value) pc += offset;
        break;
      case 0x55: // jne imm
        if (read(to) !== value) pc += offset;
        break;
      case 0x95: // exit
        return read(0) === 1;
      default:
        throw new Error(`instruction ${pc} has opcode 0x${opcode.toString(16)}`);
    }
  }
  throw new Error('the program runs off its end');
}
