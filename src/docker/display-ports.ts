/**
 * The PORTS column: `0.0.0.0:8000-8005->8000-8005/tcp, 0.0.0.0:8080->80/tcp, 443/tcp`. As in Docker, neighbouring
 * ports become a range where host and container numbers agree, or where none is published; all others stand alone,
 * after the ranges.
 */
import type { PortBinding } from '../../runtime/network/types.ts';

interface Port {
  readonly containerPort: number;
  readonly protocol: string;
  readonly hostIp: string;
  readonly hostPort: number;
}

interface Group {
  /** '0.0.0.0/tcp' or 'tcp': only ports with one key form a range. */
  readonly key: string;
  readonly first: number;
  last: number;
}

/** `exposed` as '80/tcp'; a port that is also published appears only as published. */
export function displayPorts(published: readonly PortBinding[], exposed: readonly string[]): string {
  if (published.length === 0 && exposed.length === 0) return '';
  const covered = new Set(published.map((port) => `${port.containerPort}/${port.protocol}`));
  const unpublished = exposed
    .filter((port) => !covered.has(port))
    .map((port): Port => {
      const [number = '', protocol = 'tcp'] = port.split('/');
      return { containerPort: Number(number), protocol, hostIp: '', hostPort: 0 };
    });
  const closed: Group[] = [];
  const open = new Map<string, Group>();
  const alone: string[] = [];
  for (const port of [...unpublished, ...published].sort(comparePorts)) {
    if (port.hostIp !== '' && port.hostPort !== port.containerPort) {
      alone.push(`${port.hostIp}:${port.hostPort}->${port.containerPort}/${port.protocol}`);
      continue;
    }
    const key = port.hostIp === '' ? port.protocol : `${port.hostIp}/${port.protocol}`;
    const group = open.get(key);
    if (group !== undefined && port.containerPort === group.last + 1) {
      group.last = port.containerPort;
      continue;
    }
    if (group !== undefined) closed.push(group);
    open.set(key, { key, first: port.containerPort, last: port.containerPort });
  }
  return [...[...closed, ...open.values()].map(groupText), ...alone].join(', ');
}

function groupText({ key, first, last }: Group): string {
  const [ip, protocol] = key.includes('/') ? key.split('/') : ['', key];
  const range = first === last ? String(first) : `${first}-${last}`;
  return ip === '' ? `${range}/${protocol}` : `${ip}:${range}->${range}/${protocol}`;
}

function comparePorts(a: Port, b: Port): number {
  return (
    a.containerPort - b.containerPort ||
    compareText(a.hostIp, b.hostIp) ||
    a.hostPort - b.hostPort ||
    compareText(a.protocol, b.protocol)
  );
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
