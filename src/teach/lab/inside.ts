/**
 * The lab's host as a lesson's checks see it, for a process inside the lab: it runs programs and reads their output.
 * Through execFile: its time-out also ends the wait for output that a grandchild holds open, and execa's does not.
 */
import { execFile } from 'node:child_process';
import type { LabHost } from './lesson.ts';

const TIMEOUT_MS = 10_000;
const MOST_OUTPUT = 16 * 2 ** 20;

type Run = LabHost['run'];

const run: Run = ([program, ...args], { netns, input, timeoutMs = TIMEOUT_MS } = {}) => {
  // Not `ip netns exec`, which mounts another /sys and hides the control groups.
  const words = netns === undefined ? [] : ['nsenter', `--net=/run/netns/${netns}`, '--'];
  const [first = program, ...rest] = [...words, program, ...args];
  return new Promise((resolve) => {
    const child = execFile(
      first,
      rest,
      { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: MOST_OUTPUT, encoding: 'utf8' },
      (error, stdout, stderr) => {
        const status = error === null ? 0 : typeof error.code === 'number' ? error.code : 127;
        resolve({ status, stdout, stderr });
      },
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input ?? '');
  });
};

export const insideHost: LabHost = {
  run,
  async ip(words, netns) {
    const { stdout } = await run(['ip', '-j', ...words], netns === undefined ? {} : { netns });
    try {
      const parsed: unknown = JSON.parse(stdout);
      return Array.isArray(parsed) ? (parsed as Record<string, unknown>[]) : [];
    } catch {
      return []; // ip failed or printed nothing.
    }
  },
  async ping(address, { netns, from } = {}) {
    const words = [...(from === undefined ? [] : ['-I', from]), address];
    // busybox's ping (host-script.ts) knows neither -n nor -V.
    const script =
      'if ping -V >/dev/null 2>&1; then exec ping -n -q -c 2 -i 0.2 -W 1 "$@"; else exec ping -q -c 2 -W 1 "$@"; fi';
    const { status } = await run(
      ['sh', '-c', script, 'ping', ...words],
      netns === undefined ? {} : { netns },
    );
    return status === 0;
  },
  async fetch(url, { netns, seconds = 3 } = {}) {
    const where = netns === undefined ? {} : { netns };
    // curl or busybox wget; an error status counts as no page.
    const script =
      'if command -v curl >/dev/null; then exec curl -sf --noproxy "*" --max-time "$2" "$1"; ' +
      'else exec busybox wget -q -T "$2" -O - "$1"; fi';
    const { status, stdout } = await run(['sh', '-c', script, 'fetch', url, String(seconds)], where);
    return status === 0 ? stdout : undefined;
  },
};
