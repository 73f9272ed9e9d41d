/**
 * `-p` in all of Docker's forms: [[ip:][hostPort]:]containerPort[/protocol], either port a range. The words of the
 * errors are those of Docker's own parser, so that a search for them finds an answer.
 */
import { MinidockError } from '../../../runtime/errors.ts';
import { parseIpv4 } from '../../../runtime/network/ipv4.ts';
import { canonicalIpv6 } from '../../../runtime/syscall/inet.ts';
import type { Protocol } from '../../../runtime/network/types.ts';
import type { PortRequest } from '../../../runtime/network/types.ts';

interface Range {
  readonly first: number;
  readonly last: number;
}

/** One request for each container port. @throws BAD_PORT. */
export function parsePort(spec: string): readonly PortRequest[] {
  const { ip, host, container: containerAndProtocol } = splitParts(spec);
  const [container = '', ...protocolText] = containerAndProtocol.split('/');
  const hostIp = parseHostIp(ip);
  if (container === '') throw badPort(`No port specified: ${spec}<empty>`);
  const containerPorts = parseRange(container);
  if (containerPorts === undefined || containerPorts.first === 0) {
    throw badPort(`Invalid containerPort: ${container}`);
  }
  const hostPorts = host === '' ? { first: 0, last: 0 } : parseRange(host);
  if (hostPorts === undefined) throw badPort(`Invalid hostPort: ${host}`);
  const protocol = parseProtocol(protocolText.join('/'));

  const count = containerPorts.last - containerPorts.first + 1;
  const hostCount = hostPorts.last - hostPorts.first + 1;
  if (host !== '' && count !== hostCount && count > 1) {
    throw badPort(`Invalid ranges specified for container and host Ports: ${container} and ${host}`);
  }
  const any = hostPorts.first === 0;
  return Array.from({ length: count }, (_, index) => ({
    hostIp,
    ...(ip === '0.0.0.0' ? { everyAddress: true } : {}),
    hostPort: any ? 0 : hostPorts.first + index,
    ...(count === 1 && hostCount > 1 ? { hostPortEnd: hostPorts.last } : {}),
    containerPort: containerPorts.first + index,
    protocol,
  }));
}

/** `--expose` and an image's ExposedPorts: '80', '80/tcp', '80-90/udp'. @throws BAD_PORT. */
export function parseExposed(
  spec: string,
): readonly { readonly port: number; readonly protocol: Protocol }[] {
  const [ports = '', protocol = '', ...more] = spec.split('/');
  const range = parseRange(ports);
  if (range === undefined || range.first === 0 || more.length > 0) {
    throw badPort(`invalid range format for --expose: ${spec}`);
  }
  const parsed = parseProtocol(protocol);
  return Array.from({ length: range.last - range.first + 1 }, (_, index) => ({
    port: range.first + index,
    protocol: parsed,
  }));
}

/** From the right: container port, host port; whatever is left is the address, colons of IPv6 included. */
function splitParts(spec: string): { ip: string; host: string; container: string } {
  const parts = spec.split(':');
  const container = parts.pop() ?? '';
  const host = parts.pop() ?? '';
  return { ip: parts.join(':'), host, container };
}

function parseHostIp(ip: string): string {
  if (ip === '') return '0.0.0.0';
  if (parseIpv4(ip) !== undefined) return ip;
  const six = canonicalIpv6(ip.replace(/^\[(.*)\]$/, '$1'));
  if (six !== undefined) return six;
  throw badPort(`Invalid ip address: ${ip}`);
}

function parseRange(text: string): Range | undefined {
  const match = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(text);
  if (match === null) return undefined;
  const first = Number(match[1]);
  const last = match[2] === undefined ? first : Number(match[2]);
  return last > 65535 || first > last ? undefined : { first, last };
}

function parseProtocol(text: string): Protocol {
  const protocol = text === '' ? 'tcp' : text.toLowerCase();
  if (protocol === 'tcp' || protocol === 'udp') return protocol;
  if (protocol === 'sctp') {
    throw new MinidockError({
      code: 'BAD_PORT',
      message: 'cannot publish a port of sctp: minidock publishes tcp and udp',
      exitCode: 125,
    });
  }
  throw badPort(`Invalid proto: ${text}`);
}

function badPort(message: string): MinidockError {
  return new MinidockError({
    code: 'BAD_PORT',
    message,
    hint: 'The form is [[ADDRESS:]HOST_PORT:]CONTAINER_PORT[/tcp|/udp]; ports are 1 to 65535 or a range.',
    exitCode: 125,
  });
}
