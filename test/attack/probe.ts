/**
 * What a container that got out would see: a shell script for the container, and the judge of what it prints. It
 * trusts nothing below /proc, since an attacker's image may have put anything there.
 */
import type { RunResult } from '../support/host/processes.ts';
import type { Secret, Stage, Way } from './case.ts';

/** Opened for writing and nothing written: a read-only mount refuses that already. */
const STEERS_THE_HOST = [
  '/proc/sysrq-trigger',
  '/proc/sys/kernel/printk_ratelimit_burst',
  '/proc/sys/vm/laptop_mode',
];
/** Where minidock itself mounts something below /proc and /sys. */
const OWN_MOUNTS = [
  ...[
    'asound',
    'acpi',
    'interrupts',
    'kcore',
    'keys',
    'latency_stats',
    'timer_list',
    'timer_stats',
    'sched_debug',
  ],
  ...['scsi', 'bus', 'fs', 'irq', 'sys', 'sysrq-trigger', 'thermal_throttle'],
].map((name) => `/proc/${name}`);
const TELLS_OF_THE_HOST = ['/proc/interrupts', '/proc/keys', '/proc/timer_list', '/proc/kcore'];

const probe = (secret: Secret): string => `
path=${secret.path}
for top in / /.. /../.. /dev/.. /tmp/../..; do
  cat "$top$path" 2>/dev/null && echo " READ the host's file through $top"
  [ -w "$top$path" ] && echo overwritten >"$top$path" && echo "WROTE the host's file through $top"
done
[ "$(stat -c %d:%i /)" = "$(stat -c %d:%i /..)" ] || echo "ABOVE / is another directory"
for file in ${TELLS_OF_THE_HOST.join(' ')}; do
  [ -n "$(head -c 1 $file 2>/dev/null | od -An -tx1)" ] && echo "UNMASKED $file"
done
[ -n "$(ls -A /sys/firmware 2>/dev/null)" ] && echo "UNMASKED /sys/firmware"
for file in ${STEERS_THE_HOST.join(' ')}; do
  [ -f $file ] && (: >>$file) 2>/dev/null && echo "WRITABLE $file"
done
cat /proc/mounts 2>/dev/null | while read -r source target type rest; do
  case $target in
    *minidock-test-*) echo "MOUNT of the host at $target" ;;
    /proc/* | /sys/*)
      case $type:$target in
        proc:/proc/* | tmpfs:/sys/* | cgroup*:/sys/fs/cgroup*) ;;
        ${OWN_MOUNTS.map((path) => `*tmpfs:${path}`).join(' | ')}) ;;
        *) echo "COVERED $target by $type" ;;
      esac
      ;;
  esac
done
[ -n "$(cat /proc/mounts 2>/dev/null)" ] || echo "COVERED /proc/self, or all of /proc"
echo "END of the probe"
`;

/** Uses the image this way with the probe as its program, and judges. */
export async function probeContainer(
  stage: Stage,
  way: Way,
  image: string,
  flags: readonly string[],
): Promise<string | undefined> {
  const secret = stage.secret();
  const result = await stage.use(way, image, flags, ['/bin/sh', '-c', probe(secret)]);
  const evidence = evidenceIn(result, secret, way);
  if (evidence !== undefined) return evidence;
  if (result.stdout.includes('END of the probe') || isRefusal(result)) return undefined;
  throw new Error(`status ${String(result.exitCode)}: ${result.stderr}${result.stdout}`);
}

function evidenceIn({ stdout, stderr }: RunResult, secret: Secret, way: Way): string | undefined {
  const all = stdout + stderr;
  const found = all
    .split('\n')
    .filter((line) => / ?(READ|WROTE|ABOVE|UNMASKED|WRITABLE|MOUNT|COVERED) /.test(line));
  // What a privileged container is given: everything but the host's files.
  const given = way === 'privileged' ? /^(UNMASKED|WRITABLE) / : /^$/;
  const evidence = found.filter((line) => !given.test(line));
  if (secret.changed()) evidence.unshift(`the host's ${secret.path} was overwritten`);
  if (all.includes(secret.text)) evidence.unshift(`the host's ${secret.path} was read`);
  const words = evidence.filter((line) => !line.includes(secret.text));
  return words.length === 0 ? undefined : words.slice(0, 4).join('\n');
}

/** minidock, or its script, says what it refuses to do; a stack trace or a crash is no refusal. */
export const isRefusal = ({ exitCode, stderr }: RunResult): boolean =>
  (exitCode === 125 || exitCode === 126) &&
  /^minidock: \S|the container could not be built/m.test(stderr) &&
  !/\n\s+at \S|internal error|INIT_DIED/i.test(stderr);
