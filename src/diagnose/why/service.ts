/**
 * After the handshake, which the kernels do alone: whether a program accepts the connection and answers. It waits for
 * a greeting; on a port of HTTP it requests a page; to other ports it sends nothing, because an unknown line could do
 * harm. The sockets at the far end show the result.
 */
import { addressText } from '../../../runtime/network/host-address.ts';
import { interfaceOf } from '../../engine/spec/endpoints.ts';
import { readFileSync, readSync, writeSync } from 'node:fs';
import { errnoOf } from '../../../runtime/syscall/error.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { cgroupDirectories, cgroupLayout } from '../../../runtime/cgroup/detect.ts';
import { isFrozen, planThaw } from '../../../runtime/cgroup/freezer.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import type { HostStep } from '../../../runtime/plan/step.ts';
import { cgroupsPath } from '../../engine/state/paths.ts';
import type { Container } from '../../engine/state/store.ts';
import { look } from '../host/look.ts';
import { bad } from './findings.ts';
import type { Finding, Service } from './model.ts';
import type { Scene } from './observe.ts';
import { isHosts } from './kinds.ts';
import type { Listener } from './listeners.ts';
import { inStack, type Stack } from './stack.ts';
import { within } from './programs.ts';

const GREETING_MS = 100;
const ANSWER_MS = 1500;
/** The bytes read of a page, and the longest wait for its next part. */
const PAGE = 256 * 1024;
const PART_MS = 500;
const HTTP_PORTS: ReadonlySet<number> = new Set([80, 3000, 5000, 8000, 8008, 8080, 8081, 8888]);
const HTTP_PROGRAMS = /httpd|nginx|apache|caddy|lighttpd/;

/** Of a connection that was reset before anything could be read. */
export const RESET: Service = { answer: 'reset', stopped: [], waiting: 0, stalled: false };

/** The caller still owns the connection. */
export async function converse(scene: Scene, fd: number, sourcePort: number): Promise<Service> {
  const { far, port, listeners } = farOf(scene);
  const http = HTTP_PORTS.has(port) || listeners.some(({ program }) => HTTP_PROGRAMS.test(program));
  let answer = await readByte(fd, GREETING_MS);
  if (answer === 'none' && http) {
    try {
      writeSync(fd, `GET / HTTP/1.0\r\nHost: ${addressText(scene.journey.asked.address)}\r\n\r\n`);
      answer = await readByte(fd, ANSWER_MS);
    } catch (error) {
      answer = errnoOf(error) === 'ECONNRESET' ? 'reset' : 'end';
    }
  }
  const state = {
    answer: answer === 'none' && !http ? ('unasked' as const) : answer,
    stopped: stoppedOf(listeners),
  };
  const stalled = answer === 'byte' && http && !(await readOn(fd));
  if (far === undefined || !(stalled || answer === 'none')) return { ...state, stalled: false, waiting: 0 };
  return { ...state, stalled, ...(await readFarEnd(far, port, sourcePort)) };
}

/** Who is to answer, as far as this host knows it. */
function farOf(scene: Scene): { far: Stack | undefined; port: number; listeners: readonly Listener[] } {
  const { journey, receiver, host, final } = scene;
  const port = final?.port ?? journey.asked.port;
  // Another machine's programs are not those of this host.
  const far = receiver ?? (journey.to === undefined && isHosts(scene) ? host : undefined);
  const isAsked = (one: Listener): boolean => one.protocol === journey.protocol && one.port === port;
  return { far, port, listeners: (far?.listeners ?? []).filter(isAsked) };
}

const stoppedOf = (listeners: readonly Listener[]): readonly string[] =>
  listeners.flatMap(({ program, pids }) => (pids.length > 0 && pids.every(isStopped) ? [program] : []));

/** Why a datagram that nothing refused gets no answer; undefined where a program may just ignore it. */
export const deafProgram = (scene: Scene): Finding | undefined =>
  serviceFault(scene, { ...RESET, answer: 'unasked', stopped: stoppedOf(farOf(scene).listeners) });

async function readByte(fd: number, milliseconds: number): Promise<'byte' | 'end' | 'reset' | 'none'> {
  if (!(await within(milliseconds, () => kernel.poll(fd, 'read', 0)))) return 'none';
  try {
    return readSync(fd, Buffer.alloc(1)) > 0 ? 'byte' : 'end';
  } catch (error) {
    return errnoOf(error) === 'EAGAIN' ? 'none' : 'reset';
  }
}

/** Whether the page ended, or enough of it arrived. */
async function readOn(fd: number): Promise<boolean> {
  const part = Buffer.alloc(16 * 1024);
  for (let length = 0; length < PAGE;) {
    if (!(await within(PART_MS, () => kernel.poll(fd, 'read', 0)))) return false;
    try {
      const read = readSync(fd, part);
      if (read === 0) return true;
      length += read;
    } catch (error) {
      if (errnoOf(error) !== 'EAGAIN') return true;
    }
  }
  return true;
}

/** Masquerading may have changed our port; then take the only connection there. */
async function readFarEnd(
  far: Stack,
  port: number,
  sourcePort: number,
): Promise<Pick<Service, 'waiting' | 'far'>> {
  const sockets = await look(inStack(far, ['ss', '-HtnaiO', 'sport', '=', `:${port}`]));
  const rows = sockets.split('\n').map((line) => line.trim().split(/\s+/));
  const waiting = rows.filter(([state]) => state === 'LISTEN').map(([, unread]) => Number(unread));
  const others = rows.filter(([state = '']) => !['', 'LISTEN', 'TIME-WAIT'].includes(state));
  const ours = others.find((row) => row[4]?.endsWith(`:${sourcePort}`) === true) ?? others[0];
  return {
    waiting: Math.max(0, ...waiting),
    ...(ours === undefined ? {} : { far: farEnd(ours) }),
  };
}

function farEnd(row: readonly string[]): NonNullable<Service['far']> {
  const received = /^bytes_received:(\d+)$/.exec(
    row.find((word) => word.startsWith('bytes_received:')) ?? '',
  );
  return { received: Number(received?.[1] ?? 0), unread: Number(row[1]), unacknowledged: Number(row[2]) };
}

/** State T of proc_pid_stat(5): stopped by a signal, or by a tracer. */
function isStopped(pid: number): boolean {
  try {
    return /^State:\s+[Tt]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false; // It has ended.
  }
}

/** Why an established connection does not work; undefined if it works. */
export function serviceFault(
  scene: Scene,
  { answer, stopped, stalled, waiting, far }: Service,
): Finding | undefined {
  const stack = scene.receiver ?? scene.host;
  const port = scene.final?.port ?? scene.journey.asked.port;
  const show = inStack(stack, ['ss', '-tnap', 'sport', '=', `:${port}`]);
  if (answer === 'byte') {
    return stalled && far !== undefined && far.unacknowledged > 0 ? answerLost(scene, stack) : undefined;
  }
  const { to, protocol } = scene.journey;
  const kept = `the kernel accepts the ${protocol === 'udp' ? 'datagram' : 'connection'}, and`;
  if (to?.state.status === 'paused') {
    const text = `${kept} ${to.config.name} cannot answer: it is paused`;
    return {
      ...bad('socket', 'paused', text, ['minidock', 'ps']),
      fix: `minidock unpause ${to.config.name}`,
    };
  }
  if (to !== undefined && isFrozen(cgroupsPath(to.config))) return frozen(to, kept);
  const [program] = stopped;
  if (program !== undefined) {
    const [, pid = ''] = /pid (\d+)/.exec(program) ?? [];
    const text = `${kept} ${program} cannot answer: it is stopped (state T)`;
    return {
      ...bad('socket', 'stopped', text, ['grep', 'State', `/proc/${pid}/status`]),
      fix: `kill -CONT ${pid}`,
    };
  }
  if (answer === 'end' || answer === 'reset') {
    const short = to === undefined ? undefined : outOfProcesses(to);
    if (short !== undefined) return short;
    const text = `the connection is accepted, and ${answer === 'end' ? 'closed' : 'reset'} without a byte`;
    return {
      ...bad('socket', 'closed', text, show),
      fix: `Look at the log of the program at port ${port}.`,
    };
  }
  if (waiting > 0) {
    const text = `the kernel accepts the connection, and no program takes it: ${waiting} wait at port ${port} of ${stack.name}`;
    return {
      ...bad('socket', 'not-accepted', text, show),
      fix: 'The program there hangs or is frozen; restart it.',
    };
  }
  if (answer === 'unasked') return undefined;
  if (far !== undefined && far.unacknowledged > 0) return answerLost(scene, stack);
  if (far?.received === 0) {
    const text =
      `the connection is established, but its data does not reach ${stack.name}: something drops packets after the ` +
      'handshake';
    return {
      ...bad('forward', 'request-lost', text, ['nft', 'list', 'ruleset']),
      fix: 'Look for rules about TCP flags, packet sizes or connection states.',
    };
  }
  if (far?.unread === 0 || far === undefined) {
    const text = 'the connection is accepted, but the program sent no byte of the requested page';
    return {
      ...bad('socket', 'silent-program', text, show),
      fix: `Find out what the program at port ${port} is waiting for.`,
    };
  }
  const text = `the connection is accepted, but the program at port ${port} does not read its data`;
  return { ...bad('socket', 'silent-program', text, show), fix: 'It hangs or is busy; restart it.' };
}

/** By somebody else than `pause`, whose record says so. */
function frozen({ config }: Container, kept: string): Finding {
  const [{ command }] = planThaw(cgroupsPath(config)) as [HostStep];
  const [path, text] = command.kind === 'write' ? [command.path, command.text] : ['', ''];
  const what = `${kept} ${config.name} cannot answer: its control group is frozen`;
  return { ...bad('socket', 'frozen', what, ['cat', path]), fix: `echo ${text} > ${path}` };
}

/** A server that starts a process for each connection gives up where it may have no more. */
function outOfProcesses({ config }: Container): Finding | undefined {
  for (const directory of cgroupDirectories(cgroupsPath(config), cgroupLayout())) {
    const [, refused = '0'] = /^max (\d+)/m.exec(readIfThere(`${directory}/pids.events`)) ?? [];
    if (Number(refused) === 0) continue;
    const most = readIfThere(`${directory}/pids.max`).trim();
    const text = `the connection is accepted, and closed without a byte: ${config.name} may have ${most} processes, and the kernel has refused it more`;
    const fix = `minidock update --pids-limit 100 ${config.name}`;
    return { ...bad('socket', 'pids-limit', text, ['cat', `${directory}/pids.events`]), fix };
  }
  return undefined;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // Another hierarchy of cgroup v1.
  }
}

/** Small packets pass, as the handshake shows; packets of full size do not. */
function answerLost({ host, clientRoute, journey, receiver }: Scene, stack: Stack): Finding {
  const uplink = host.interfaces.find(({ ifname }) => ifname === clientRoute?.dev);
  const largest =
    receiver?.interfaces.find(({ ifname }) => ifname === interfaceOf(journey.to?.state.network ?? {}))?.mtu ??
    0;
  const show = inStack(stack, ['ss', '-tni']);
  if (journey.from.kind === 'outside' && uplink !== undefined && uplink.mtu < largest) {
    const text =
      `${stack.name} has answered, and its packets of up to ${largest} bytes do not fit through ${uplink.ifname} ` +
      `(MTU ${uplink.mtu}); no ICMP message asks it for smaller ones: a rule drops ICMP`;
    return {
      ...bad('way back', 'mtu', text, ['ip', 'link', 'show', uplink.ifname]),
      fix:
        journey.family === 6
          ? 'Let ICMPv6 type packet-too-big pass, or clamp the MSS.'
          : 'Let ICMP type destination-unreachable pass, or clamp the MSS.',
    };
  }
  const text =
    `the connection is accepted and ${stack.name} has answered, but its packets are lost on their way back: large ` +
    'ones, or all after the handshake';
  return {
    ...bad('way back', 'answer-lost', text, show),
    fix: 'Compare the MTUs on the way, and look for rules that drop established connections.',
  };
}

/** The kernel drops what asks for one more connection, and no rule shows it. */
export function fullBacklog(stack: Stack, at: number): Finding | undefined {
  const full = stack.listeners.find(({ port, isFull }) => port === at && isFull);
  if (full === undefined) return undefined;
  const text = `${full.program || 'the program'} listens at port ${at} and accepts no connection: as many wait there as its backlog allows`;
  const show = inStack(stack, ['ss', '-ltnp', 'sport', '=', `:${at}`]);
  const fix = 'The program there hangs or is stopped; restart it, or let it take a longer backlog.';
  return { ...bad('socket', 'not-accepted', text, show), fix };
}

/** A program of this host listens, and its kernel does not answer. */
export function unheard({ journey: { asked }, host }: Scene, show: Argv): Finding {
  const full = fullBacklog(host, asked.port);
  if (full !== undefined) return full;
  const text = `a program of the host listens at port ${asked.port}, and the host does not answer the packet: the program's socket refuses it (a BPF filter, TCP MD5), or a rule leaves no trace`;
  const fix = 'Look at the options of that socket: ss -ltnpie.';
  return { ...bad('socket', 'no-answer', text, show), fix };
}
