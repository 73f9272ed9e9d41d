/**
 * The container's /etc/hosts, as Docker writes it: loopback, --add-host entries, the container's own name. A
 * container on the host's network gets the host's own file, with the additions below it.
 */
import { readFileSync } from 'node:fs';
import { MinidockError } from '../errors.ts';
import { parseIpv4 } from './ipv4.ts';

export interface HostsInput {
  readonly hostNetwork: boolean;
  /** The container's own, one for each network; none on a network without addresses. */
  readonly addresses: readonly string[];
  readonly hostname: string;
  readonly domainname: string;
  /** Other containers by the names that --link gives them: lines of the file, without their ends. */
  readonly links?: readonly string[];
  /** --add-host: 'name:ip' or 'name=ip'; the ip may be 'host-gateway'. */
  readonly extraHosts: readonly string[];
  /** What 'host-gateway' stands for; '' where there is no bridge. */
  readonly gateway: string;
}

const LOOPBACK = `127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
`;

/** @param hostFile the host's own /etc/hosts, read only when it is needed */
export function hostsFile(input: HostsInput, hostFile: () => string = readHostFile): string {
  const extra = input.extraHosts.map((entry) => {
    const { name, address } = parseExtraHost(entry);
    return `${resolveGateway(address, input)}\t${name}\n`;
  });
  if (input.hostNetwork) {
    const text = hostFile();
    return (text === '' || text.endsWith('\n') ? text : `${text}\n`) + extra.join('');
  }
  const links = (input.links ?? []).map((line) => `${line}\n`);
  return LOOPBACK + extra.join('') + links.join('') + ownLines(input);
}

/** @throws BAD_EXTRA_HOST with Docker's words. The address may be IPv6: a hosts file takes either. */
export function parseExtraHost(entry: string): { readonly name: string; readonly address: string } {
  const separator = entry.includes('=') ? '=' : ':';
  const at = entry.indexOf(separator);
  const name = entry.slice(0, at);
  const address = entry.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  if (at < 1 || address === '') {
    throw new MinidockError({ code: 'BAD_EXTRA_HOST', message: `bad format for add-host: "${entry}"` });
  }
  if (address !== 'host-gateway' && parseIpv4(address) === undefined && !looksLikeIpv6(address)) {
    throw new MinidockError({
      code: 'BAD_EXTRA_HOST',
      message: `invalid IP address in add-host: "${address}"`,
    });
  }
  return { name, address };
}

function looksLikeIpv6(text: string): boolean {
  return text.includes(':') && /^[0-9a-fA-F:.]+(%\w+)?$/.test(text);
}

/** 'host-gateway' is the host as the container reaches it: the bridge, or on the host's own network localhost. */
function resolveGateway(address: string, input: HostsInput): string {
  if (address !== 'host-gateway') return address;
  return input.gateway === '' ? '127.0.0.1' : input.gateway;
}

const ownLines = (input: HostsInput): string =>
  input.addresses.map((address) => ownLine(address, input)).join('');

/** One address of the container's own, with the names it calls itself by. */
export function ownLine(
  address: string,
  { hostname, domainname }: Pick<HostsInput, 'hostname' | 'domainname'>,
): string {
  if (hostname === '') return '';
  const full = domainname === '' ? hostname : `${hostname}.${domainname}`;
  // The first part alone too: `hostname` prints it, and programs look up what they call themselves.
  const short = full.split('.', 1)[0] ?? full;
  const names = short === full ? full : `${full} ${domainname === '' ? short : hostname}`;
  return `${address}\t${names}\n`;
}

function readHostFile(): string {
  try {
    return readFileSync('/etc/hosts', 'utf8');
  } catch {
    return LOOPBACK; // a host without the file still has loopback
  }
}
