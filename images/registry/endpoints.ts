/**
 * Which hosts are asked for a repository, in which order, and which of them may be spoken to without TLS: those on
 * this machine's loopback, and those the user has named. A mirror stands in for docker.io only, as with Docker.
 */
import { BlockList, isIP } from 'node:net';
import { ImageError } from '../errors.ts';
import { DEFAULT_DOMAIN } from '../reference.ts';

export interface Endpoint {
  /** Scheme and host (and a mirror's path); '/v2/…' comes after. For insecure hosts the scheme is a first guess. */
  readonly base: URL;
  readonly insecure: boolean;
  /** A failure here is no failure of the pull: the next endpoint is asked. */
  readonly mirror: boolean;
  /** The key of Docker's config.json. */
  readonly credentialsKey: string;
}

export const DOCKER_HUB_CREDENTIALS_KEY = 'https://index.docker.io/v1/';
const DOCKER_HUB_HOST = 'registry-1.docker.io';

export interface EndpointOptions {
  /** 'host', 'host:port', or a CIDR block. */
  readonly insecureRegistries: readonly string[];
  /** URLs, or hosts for https. */
  readonly mirrors: readonly string[];
}

export function listEndpoints(domain: string, options: EndpointOptions): readonly Endpoint[] {
  if (domain !== DEFAULT_DOMAIN) return [hostEndpoint(domain, options)];
  const origin = {
    base: new URL(`https://${DOCKER_HUB_HOST}`),
    insecure: isInsecure(domain, options.insecureRegistries),
    mirror: false,
    credentialsKey: DOCKER_HUB_CREDENTIALS_KEY,
  };
  return [...options.mirrors.map((mirror) => mirrorEndpoint(mirror, options)), origin];
}

/** 'localhost', 127.0.0.0/8, ::1, with or without the brackets of a URL. */
export function isLoopback(hostname: string): boolean {
  const name = hostname.replace(/^\[|\]$/g, '').toLowerCase();
  return name === 'localhost' || name === '::1' || (isIP(name) === 4 && name.startsWith('127.'));
}

/** As the kernel and resolvers have it: more than what is named so. */
export function isThisMachine(hostname: string): boolean {
  const name = hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
  // A URL has ::ffff:127.0.0.1 as ::ffff:7f00:1. A connection to 0.0.0.0 or to :: comes to loopback.
  const is = /^(0\.0\.0\.0|::|::ffff:(7f[0-9a-f]{2}:[0-9a-f]{1,4}|0:0)|.*\.localhost)$/;
  return isLoopback(name) || is.test(name);
}

/** `host` with or without a port. */
export function isInsecure(host: string, insecureRegistries: readonly string[]): boolean {
  const hostname = host.replace(/:\d+$/, '');
  const bare = hostname.replace(/^\[|\]$/g, '');
  if (isLoopback(hostname)) return true;
  return insecureRegistries.some((entry) =>
    entry.includes('/') ? isInBlock(bare, entry) : entry === host || entry === hostname,
  );
}

function hostEndpoint(host: string, options: EndpointOptions): Endpoint {
  const insecure = isInsecure(host, options.insecureRegistries);
  // On loopback TLS is the exception; elsewhere plain HTTP is, even where it is allowed.
  const scheme = isLoopback(host.replace(/:\d+$/, '')) ? 'http' : 'https';
  return { base: new URL(`${scheme}://${host}`), insecure, mirror: false, credentialsKey: host };
}

function mirrorEndpoint(mirror: string, options: EndpointOptions): Endpoint {
  let base: URL;
  try {
    base = new URL(mirror.includes('://') ? mirror : `https://${mirror}`);
  } catch (cause) {
    throw invalidMirror(mirror, cause);
  }
  if (!['http:', 'https:'].includes(base.protocol) || base.search !== '') throw invalidMirror(mirror);
  // Writing http:// is naming it as insecure.
  const insecure = base.protocol === 'http:' || isInsecure(base.host, options.insecureRegistries);
  return { base, insecure, mirror: true, credentialsKey: base.host };
}

function isInBlock(address: string, cidr: string): boolean {
  const [network = '', bits = ''] = cidr.split('/');
  const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
  if (isIP(address) === 0 || isIP(network) !== isIP(address) || !/^\d+$/.test(bits)) return false;
  if (Number(bits) > (family === 'ipv6' ? 128 : 32)) return false;
  const block = new BlockList();
  block.addSubnet(network, Number(bits), family);
  return block.check(address, family);
}

function invalidMirror(mirror: string, cause?: unknown): ImageError {
  return new ImageError({
    code: 'INVALID_MIRROR',
    message: `"${mirror}" is not a registry mirror`,
    hint: 'MINIDOCK_REGISTRY_MIRROR takes URLs such as https://mirror.example, separated by commas',
    cause,
  });
}
