/**
 * Run by Bun: loads the default filter for the capabilities named (comma-separated, '' for none) and becomes the
 * program given. `seccomp-driver.ts CAP_A,CAP_B /bin/program arguments…`
 */
import { compileSeccomp } from '../../../runtime/process/seccomp/compile.ts';
import { defaultSeccomp } from '../../../runtime/process/seccomp/profile.ts';
import { nativeArch } from '../../../runtime/process/seccomp/syscalls.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';

const [capabilities = '', program = '/bin/true', ...args] = process.argv.slice(2);
const arch = nativeArch();
if (arch === undefined) throw new Error(`no system call table for ${process.arch}`);
kernel.seccompSetFilter(compileSeccomp(defaultSeccomp(capabilities.split(','), arch), arch), 0);
kernel.execve(
  program,
  [program, ...args],
  Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`),
);
