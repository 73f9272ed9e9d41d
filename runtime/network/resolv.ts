/**
 * The container's /etc/resolv.conf. A name server on the host's loopback (systemd-resolved's 127.0.0.53, a local
 * dnsmasq) cannot be reached from another network namespace, where 127.0.0.1 is the container itself; it is replaced
 * by the upstream servers that systemd-resolved keeps in a file of its own, else by Google's public ones, which is
 * what Docker does too. `--dns` and its sisters replace the host's lines of their kind.
 */
import { readFileSync } from 'node:fs';
import { canonicalIpv6, isIpv6Text } from '../syscall/inet.ts';

export interface ResolvConf {
  readonly nameservers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

export interface ResolvInput {
  /** The host's own file as it is, loopback servers included, unless flags say otherwise. */
  readonly hostNetwork: boolean;
  readonly dns: readonly string[];
  /** --dns-search; a single '.' means none. */
  readonly search: readonly string[];
  readonly options: readonly string[];
  /** Names are asked for at this address, and the servers are what is asked next (upstreamServers). */
  readonly resolver?: string | undefined;
}

/** The texts of the host's files; undefined for one that is not there. */
export interface HostResolvFiles {
  /** /etc/resolv.conf */
  readonly main: string | undefined;
  /** /run/systemd/resolve/resolv.conf: the servers behind 127.0.0.53. */
  readonly upstream: string | undefined;
}

/** Docker's last resort, for hosts that name no server a container could reach. */
export const PUBLIC_NAMESERVERS: readonly string[] = ['8.8.8.8', '8.8.4.4'];

export function resolvConf(input: ResolvInput, files: HostResolvFiles = readHostResolvFiles()): string {
  const host = parseResolvConf(files.main ?? '');
  const untouched = input.dns.length + input.search.length + input.options.length === 0;
  if (input.hostNetwork && untouched && files.main !== undefined) return files.main;
  if (input.resolver !== undefined) return renderResolvConf(atResolver(input, host, input.resolver));
  const search = searchOf(input, host);
  const conf: ResolvConf = {
    nameservers:
      input.dns.length === 0 ? reachableServers(host, input.hostNetwork, files.upstream) : input.dns,
    search,
    options: input.options.length === 0 ? host.options : input.options,
  };
  return renderResolvConf(conf);
}

/** The search list and options stay; a name without a dot is one of the network's, so it is asked for as it is. */
function atResolver(input: ResolvInput, host: ResolvConf, resolver: string): ResolvConf {
  const options = input.options.length === 0 ? host.options : input.options;
  return {
    nameservers: [resolver],
    search: searchOf(input, host),
    options: options.some((option) => option.startsWith('ndots:')) ? options : [...options, 'ndots:0'],
  };
}

const searchOf = (input: ResolvInput, host: ResolvConf): readonly string[] =>
  input.search.length === 0 ? host.search : input.search.filter((domain) => domain !== '.');

/** A name server, as the resolver of a container asks it. */
export interface UpstreamServer {
  readonly address: string;
  /** On the host's loopback: reached from the host's own network namespace. */
  readonly onHost?: boolean;
}

/** resolv.conf(5) knows three. */
const MOST_SERVERS = 3;

/**
 * Where other names are asked for. `ipv6`: the container has it; otherwise the host asks servers of IPv6 for it, as Docker
 * does. A link-local server (fe80::1%eth0) is left out.
 */
export function upstreamServers(
  { dns, ipv6 = false }: Pick<ResolvInput, 'dns'> & { readonly ipv6?: boolean },
  files: HostResolvFiles = readHostResolvFiles(),
): readonly UpstreamServer[] {
  const own = dns.length > 0 ? dns : parseResolvConf(files.main ?? '').nameservers;
  const usable = own.filter((address) => !isIpv6Text(address) || canonicalIpv6(address) !== undefined);
  const servers = usable.length > 0 || dns.length > 0 ? usable : PUBLIC_NAMESERVERS;
  const onHost = (address: string): boolean =>
    isLoopback(address) ? dns.length === 0 : isIpv6Text(address) && !ipv6;
  return servers
    .slice(0, MOST_SERVERS)
    .map((address) => ({ address, ...(onHost(address) ? { onHost: true } : {}) }));
}

/** resolv.conf(5): later `search` and `domain` lines replace earlier ones; options add up. */
export function parseResolvConf(text: string): ResolvConf {
  const nameservers: string[] = [];
  let search: readonly string[] = [];
  const options: string[] = [];
  for (const line of text.split('\n')) {
    const [keyword, ...words] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/);
    if (keyword === 'nameserver' && words[0] !== undefined) nameservers.push(words[0]);
    if (keyword === 'search' || keyword === 'domain') search = words;
    if (keyword === 'options') options.push(...words);
  }
  return { nameservers, search, options };
}

export function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}

function reachableServers(
  host: ResolvConf,
  hostNetwork: boolean,
  upstream: string | undefined,
): readonly string[] {
  if (hostNetwork && host.nameservers.length > 0) return host.nameservers;
  const own = host.nameservers.filter(canBeReached);
  if (own.length > 0) return own;
  const behind = parseResolvConf(upstream ?? '').nameservers.filter(canBeReached);
  return behind.length > 0 ? behind : PUBLIC_NAMESERVERS;
}

/** The default network carries IPv4 only, and a link-local server (fe80::1%eth0) names an interface of the host's. */
function canBeReached(address: string): boolean {
  return !isLoopback(address) && !address.includes(':');
}

function renderResolvConf({ nameservers, search, options }: ResolvConf): string {
  return [
    ...nameservers.map((address) => `nameserver ${address}\n`),
    ...(search.length > 0 ? [`search ${search.join(' ')}\n`] : []),
    ...(options.length > 0 ? [`options ${options.join(' ')}\n`] : []),
  ].join('');
}

function readHostResolvFiles(): HostResolvFiles {
  return { main: readIfThere('/etc/resolv.conf'), upstream: readIfThere('/run/systemd/resolve/resolv.conf') };
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // A dangling link is as good as no file: systemd-resolved may not have written its own yet.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
