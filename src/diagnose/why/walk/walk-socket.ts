/** The end of the way: whether a program listens there, on the packet's address. */
import { addressText } from '../../../../runtime/network/host-address.ts';
import { familyOf, isLoopback } from '../family.ts';
import { bad, good, isUp } from '../findings.ts';
import { isOwn } from '../kinds.ts';
import type { Finding } from '../model.ts';
import type { Listener } from '../listeners.ts';
import type { Scene } from '../observe.ts';
import { inStack, type Stack } from '../stack.ts';

/** `address`: the packet's destination on arrival. */
export function checkSocket(scene: Scene, stack: Stack, address: string): readonly Finding[] {
  const { protocol, published, asked } = scene.journey;
  const port = published?.containerPort ?? asked.port;
  const show = inStack(stack, ['ss', protocol === 'tcp' ? '-ltnp' : '-lunp']);
  const here = stack.listeners.filter((listener) => listener.port === port);
  const right = here.filter((listener) => listener.protocol === protocol);
  const deaf = loopbackDown(scene, stack, address);
  if (deaf !== undefined) return [deaf];
  const found = right.find((listener) => takes(listener, address) && hears(scene, stack, address, listener));
  if (found !== undefined) {
    const who = found.program === '' ? 'a program' : found.program;
    return [
      good(
        'socket',
        `${who} listens on ${addressText(found.address)}:${port}/${protocol} in ${stack.name}`,
        show,
      ),
    ];
  }
  const bound = right.find((listener) => takes(listener, address) && listener.device !== '');
  if (bound !== undefined) {
    const text = `in ${stack.name} ${bound.program || 'a program'} listens on port ${port} for packets from ${bound.device} only (SO_BINDTODEVICE)`;
    const fix = 'Let the program listen on all interfaces (its bind or interface setting).';
    return [{ ...bad('socket', 'listen-device', text, show), fix }];
  }
  const other = right[0];
  if (other !== undefined) {
    const { family } = scene.journey;
    const loopback = isLoopback(other.address);
    // `*` is both, and taken already.
    const foreign = familyOf(other.address) !== family;
    const kind = !foreign ? '' : family === 4 ? ', IPv6,' : ', IPv4,';
    const where = `${addressText(other.address)}:${port}${kind}`;
    const others = family === 4 ? 'listen-ipv6' : 'listen-ipv4';
    return [
      {
        ...bad(
          'socket',
          loopback ? 'listen-loopback' : foreign ? others : 'listen-elsewhere',
          `in ${stack.name} ${other.program || 'a program'} listens on ${where} only, but the packet is for ` +
            `${address === '' ? 'another address' : addressText(address)}:${port}` +
            (loopback ? `; only ${stack.name} itself reaches its ${other.address}` : ''),
          show,
        ),
        fix: `Let the program listen on ${family === 6 ? '[::]' : '0.0.0.0'}:${port} (its bind or listen setting).`,
      },
    ];
  }
  const wrong = here[0];
  if (wrong !== undefined) {
    const text = `in ${stack.name} a program listens on port ${port} for ${wrong.protocol}, not ${protocol}`;
    return [{ ...bad('socket', 'listen-protocol', text, show), fix: `Ask for :${port}/${wrong.protocol}.` }];
  }
  const ports = [
    ...new Set(stack.listeners.filter((one) => one.protocol === protocol).map((one) => one.port)),
  ];
  const instead = ports.length === 0 ? '' : `; programs listen on ${protocol} ports ${ports.join(', ')}`;
  return [
    {
      ...bad(
        'socket',
        'listen-none',
        `nothing in ${stack.name} listens on port ${port}/${protocol}${instead}`,
        show,
      ),
      fix:
        stack.enter.length === 0
          ? 'Start the program that should answer there, or publish the port with -p.'
          : stack.name.startsWith('netns:')
            ? 'Start the program there, or ask for the port it has.'
            : `Start the program, or publish its port; read its output: minidock logs ${stack.name}`,
    },
  ];
}

/** Whether the packet comes from the listener's interface, as far as that is known. */
function hears(scene: Scene, stack: Stack, address: string, { device }: Listener): boolean {
  if (device === '') return true;
  const local = isLoopback(address) || (stack === scene.host && scene.journey.from.kind === 'host');
  if (local) return device === 'lo';
  if (device === 'lo') return isOwn(scene);
  return stack !== scene.host || scene.entry === '' || scene.entry === device;
}

/** What a machine sends to itself passes its loopback interface, whatever the address. */
function loopbackDown(scene: Scene, stack: Stack, address: string): Finding | undefined {
  const { from } = scene.journey;
  const self =
    isOwn(scene) ||
    isLoopback(address) ||
    (stack === scene.host && from.kind === 'host') ||
    stack.netns === scene.sender?.netns;
  const lo = stack.interfaces.find(({ ifname }) => ifname === 'lo');
  if (!self || lo === undefined || isUp(lo)) return undefined;
  const text = `the loopback interface lo of ${stack.name} is down, and what ${stack.name} sends to itself passes it`;
  const fix = inStack(stack, ['ip', 'link', 'set', 'lo', 'up']).join(' ');
  return { ...bad('socket', 'link-down', text, inStack(stack, ['ip', '-br', 'link', 'show', 'lo'])), fix };
}

const takes = (listener: Listener, address: string): boolean =>
  [familyOf(address) === 6 ? '::' : '0.0.0.0', '*', address].includes(listener.address) ||
  (listener.address === '127.0.0.1' && address.startsWith('127.')) ||
  // By default, a socket for every IPv6 address takes IPv4 too; ss then writes `*`.
  listener.address === `::ffff:${address}`;
