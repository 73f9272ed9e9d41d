/** The other end of agent.ts: asks a host's agent to run and time a program, one request after the other. */
import { createInterface } from 'node:readline';
import { resolve } from 'node:path';
import type { TestHost } from '../../test/support/host/host.ts';
import type { Answer, Request } from './agent.ts';

const AGENT = resolve(import.meta.dirname, 'agent.ts');

/**
 * The agent joins the host's own cgroups and makes them the root of a cgroup namespace: Podman looks for its
 * cgroups by the names it reads in /proc/self/cgroup, which are those of the whole machine otherwise.
 */
const IN_CGROUP = `
for procs in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do
  [ -e "$procs" ] && echo 0 >"$procs"
done
exec unshare --cgroup -- "$@"`;

export interface StopWatch {
  /** Milliseconds and output of a program that must succeed. */
  time(argv: readonly string[], options?: Partial<Omit<Request, 'argv'>>): Promise<Answer>;
  stop(): Promise<void>;
}

export async function startStopWatch(
  host: TestHost,
  options: { readonly ownCgroup: boolean; readonly env?: Readonly<Record<string, string>> },
): Promise<StopWatch> {
  const env = Object.entries({ ...host.env, ...options.env }).map(([name, value]) => `${name}=${value}`);
  const agent = ['env', ...env, process.execPath, AGENT];
  const process_ = host.spawn(options.ownCgroup ? ['sh', '-c', IN_CGROUP, 'sh', ...agent] : agent);
  const { stdin, stdout } = process_.child;
  if (stdin === null || stdout === null) throw new Error('the agent has no pipes');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  return {
    async time(argv, more = {}) {
      const request: Request = { argv, timeout: 120_000, ...more };
      stdin.write(`${JSON.stringify(request)}\n`);
      const line = (await lines.next()) as { readonly done?: boolean; readonly value: string };
      if (line.done === true) throw new Error(`the agent ended:\n${process_.output()}`);
      const answer = JSON.parse(line.value) as Answer;
      if (answer.exitCode !== 0) {
        throw new Error(`exit status ${answer.exitCode}: ${argv.join(' ')}\n${answer.output.slice(0, 2000)}`);
      }
      return answer;
    },
    async stop() {
      stdin.end();
      await process_.exited;
    },
  };
}
