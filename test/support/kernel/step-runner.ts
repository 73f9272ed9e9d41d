/**
 * Carries out steps inside a throw-away host by way of a bash script, one step at a time: independent of `apply`, so
 * that a test of what the steps do to the kernel does not depend on how they are folded.
 */
import type { Check, HostStep } from '../../../runtime/plan/step.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { renderCommand } from '../../../runtime/plan/render.ts';
import type { HostCommand } from '../../../runtime/plan/command.ts';
import type { TestHost } from '../host/host.ts';

/** Performs what its check does not find done already; throws with the step's id and its words. */
export async function runSteps(host: TestHost, steps: readonly HostStep[]): Promise<void> {
  const lines = steps.map((step) => {
    const perform = `{ ${shell(step.command)}\n} || { echo "step ${step.id} failed" >&2; exit 1; }`;
    return step.check === undefined ? perform : `if ! ${shellCheck(step.check)}; then ${perform}; fi`;
  });
  const { exitCode, stderr } = await host.run(['bash', '-c', lines.join('\n')]);
  if (exitCode !== 0) throw new Error(stderr);
}

/** Undoes in reverse; what nobody has to undo (shared, freed by another) is left out. */
export async function undoSteps(host: TestHost, steps: readonly HostStep[]): Promise<void> {
  for (const step of [...steps].reverse()) {
    if (step.undo.kind !== 'command') continue;
    const { exitCode, stderr } = await host.run(['bash', '-c', shell(step.undo.command)]);
    if (exitCode !== 0) throw new Error(`undo of ${step.id}: ${stderr}`);
  }
}

function shell(command: HostCommand): string {
  switch (command.kind) {
    case 'run':
      return command.input === undefined
        ? words(command.argv)
        : `${words(command.argv)} <<'INPUT'\n${command.input.trimEnd()}\nINPUT`;
    case 'write':
      return `printf %s ${quote(command.text)} >${quote(command.path)}`;
    case 'set-sysctls':
      return renderCommand(command);
    case 'mkdir':
      return `mkdir -p ${quote(command.path)}`;
    case 'rmdir':
      return `rmdir ${quote(command.path)}`;
    case 'delete-netns':
      return `ip netns delete ${quote(command.name)}`;
    case 'forget-flows':
      return ':';
    case 'listen-names':
    case 'mount-volume':
    case 'unmount-volume':
    case 'kill-cgroup':
    case 'move-to-cgroup':
    case 'raise-limit':
    case 'filter-devices':
      throw new Error('no step of the network is about processes or devices');
  }
}

function shellCheck(check: Check): string {
  switch (check.kind) {
    case 'path-exists':
      return `[ -e ${quote(check.path)} ]`;
    case 'file-contains':
      // The dot keeps the last newline, which $(…) would drop: the text looked for may end with it.
      return `[[ "$(cat ${quote(check.path)}; echo .)" == *$${quote(check.text.replaceAll('\n', '\\n').replaceAll('\t', '\\t'))}* ]]`;
    case 'run':
      return `${words(check.argv)} >/dev/null 2>&1`;
    case 'all':
      return `{ ${check.checks.map(shellCheck).join(' && ')}; }`;
  }
}

const words = (argv: Argv): string => argv.map(quote).join(' ');
const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
