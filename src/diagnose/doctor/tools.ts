/** The programs that minidock starts: installed or not, the version, and the package. */
import { readProgram } from '../../../runtime/plan/read-program.ts';
import { isInstalled, packageOf } from '../../../runtime/plan/tools.ts';
import type { FirewallBackend } from '../../../runtime/network/types.ts';
import { ok, type Finding } from './finding.ts';
import { PROGRAM } from './kernel.ts';

interface Tool {
  readonly program: string;
  readonly ask: string;
  readonly use: string;
}

const TOOLS: readonly Tool[] = [
  { program: 'unshare', ask: '--version', use: 'starts containers' },
  { program: 'nsenter', ask: '--version', use: 'enters a container by hand' },
  { program: 'ip', ask: '-V', use: 'makes bridges, cables and addresses' },
  { program: 'modprobe', ask: '--version', use: 'loads modules for the kernel' },
];

export async function examineTools(backend: FirewallBackend): Promise<readonly Finding[]> {
  const firewalls = (['nftables', 'iptables'] as const)
    .filter((name) => name === backend || isInstalled(PROGRAM[name]))
    .map((name) => ({ program: PROGRAM[name], ask: '--version', use: 'sets up the firewall' }));
  return Promise.all([...TOOLS, ...firewalls].map(examineTool));
}

async function examineTool({ program, ask, use }: Tool): Promise<Finding> {
  if (!isInstalled(program)) {
    return {
      id: `tools.${program}`,
      level: program === 'modprobe' || program === 'nsenter' ? 'warning' : 'problem',
      what: `${program} is not installed`,
      means: `It ${use}.`,
      todo: [`apt-get install ${packageOf(program)}`],
    };
  }
  const { stdout } = await readProgram([program, ask]);
  const version = /\bv?(\d+(\.\d+)+)/.exec(stdout)?.[1];
  return ok(`tools.${program}`, version === undefined ? program : `${program} ${version}`);
}
