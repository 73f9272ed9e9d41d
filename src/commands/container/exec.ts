/** `exec` */
import type { Step } from '../../../runtime/plan/step.ts';
import { DEFAULT_DETACH_KEYS } from '../../io/detach-keys.ts';
import { parseEnv } from '../../engine/spec/env-flags.ts';
import { execInContainer } from '../../engine/exec.ts';
import type { ExecOptions } from '../../engine/plans/exec-plan.ts';
import { refuseMissingTerminal } from '../../engine/foreground.ts';
import { findContainer } from '../../engine/reconcile.ts';
import { requireRoot } from '../../engine/require-root.ts';
import type { Container } from '../../engine/state/store.ts';
import { inMode, localReporterFor, type ExplainFlags } from '../../teach/explain/explain-flags.ts';
import type { LocalReporter } from '../../teach/explain/local-reporter.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { collect, type Verb } from '../shared/verb.ts';

interface ExecFlags extends ExplainFlags {
  readonly detach?: boolean;
  readonly detachKeys: string;
  readonly env?: readonly string[];
  readonly envFile?: readonly string[];
  readonly interactive?: boolean;
  readonly privileged?: boolean;
  readonly tty?: boolean;
  readonly user?: string;
  readonly workdir?: string;
}

export const exec: Verb = {
  startsLean: true,
  configure(command, context) {
    command
      .usage('[OPTIONS] CONTAINER COMMAND [ARG...]')
      .argument('<container>')
      .argument('<command>')
      .argument('[args...]')
      .passThroughOptions()
      .option('-d, --detach', 'Detached mode: run command in the background')
      .option(
        '--detach-keys <string>',
        'Override the key sequence for detaching a container',
        DEFAULT_DETACH_KEYS,
      )
      .option('-e, --env <list>', 'Set environment variables', collect)
      .option('--env-file <list>', 'Read in a file of environment variables', collect)
      .option('-i, --interactive', 'Keep STDIN open even if not attached')
      .option('--privileged', 'Give extended privileges to the command')
      .option('-t, --tty', 'Allocate a pseudo-TTY')
      .option('-u, --user <string>', 'Username or UID (format: "<name|uid>[:<group|gid>]")')
      .option('-w, --workdir <string>', 'Working directory inside the container')
      .action(async (name: string, program: string, args: readonly string[], flags: ExecFlags) => {
        requireRoot('exec');
        const tty = flags.tty ?? false;
        const interactive = flags.interactive ?? false;
        const detach = flags.detach ?? false;
        const container = await findContainer(context.engine.containers, name);
        const options = {
          argv: [program, ...args] as const,
          interactive,
          tty,
          detach,
          env: parseEnv(flags.env ?? [], flags.envFile ?? []),
          workdir: flags.workdir ?? '',
          user: flags.user ?? '',
          privileged: flags.privileged ?? false,
          detachKeys: flags.detachKeys,
        };
        await inMode(flags, {
          dryRun: async (how) => {
            const { printExec } = await import('../../teach/explain/dry-run.ts');
            await printExec(context.engine.paths, container, options, how);
          },
          perform: async () => {
            if (!detach && refuseMissingTerminal({ tty, stdin: interactive })) {
              context.exit(1);
              return;
            }
            const reporter = await localReporterFor(flags);
            const tell = reporter && (await execReporter(reporter, container, options));
            context.exit(await execInContainer(context.engine.paths, container, options, tell));
          },
        });
      });
    defineExplainFlags(command, { dryRun: true });
  },
};

async function execReporter(
  reporter: LocalReporter,
  container: Container,
  options: ExecOptions,
): Promise<(steps: readonly Step[]) => void> {
  const { sameAs } = await import('../../teach/explain/look.ts');
  return (steps) => reporter.plan(steps, sameAs(container, options));
}
