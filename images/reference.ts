/**
 * Image references, read exactly as Docker reads them: the grammar of distribution/reference with Docker's
 * defaults on top (`nginx` is docker.io/library/nginx:latest).
 *
 * Invariant: a Reference is normalised and valid, and always carries a tag or a digest; a tag beside a digest is
 * kept for display, but the digest decides what is fetched. Deliberately absent: asking any registry anything.
 */
import { ImageError } from './errors.ts';

export interface Reference {
  /** 'docker.io', 'localhost:5000', '[::1]:5000'. */
  readonly domain: string;
  /** 'library/nginx'. */
  readonly path: string;
  readonly tag?: string;
  /** 'sha256:…'. */
  readonly digest?: string;
}

export const DEFAULT_DOMAIN = 'docker.io';
const LEGACY_DEFAULT_DOMAIN = 'index.docker.io';
const OFFICIAL_PREFIX = 'library/';
const MAX_PATH_LENGTH = 255;

const ALPHANUMERIC = '[a-z0-9]+';
const SEPARATOR = '(?:[._]|__|-+)';
const pathComponent = `${ALPHANUMERIC}(?:${SEPARATOR}${ALPHANUMERIC})*`;
const DOMAIN_COMPONENT = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const host = `(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[[a-fA-F0-9:]+\\])`;
const domainPattern = `${host}(?::[0-9]+)?`;
const TAG_PATTERN = '[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127}';
const DIGEST_PATTERN = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const referenceRegExp = new RegExp(
  `^(${domainPattern})/(${pathComponent}(?:/${pathComponent})*)(?::(${TAG_PATTERN}))?(?:@(${DIGEST_PATTERN}))?$`,
);
const hexDigits: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** @throws ImageError 'INVALID_REFERENCE' with Docker's words. */
export function parseReference(text: string): Reference {
  if (/^[a-f0-9]{64}$/.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const { domain, rest } = splitDomain(text);
  const colon = rest.indexOf(':');
  const remoteName = colon === -1 ? rest : rest.slice(0, colon);
  if (remoteName !== remoteName.toLowerCase()) {
    const shown = remoteName.slice(0, MAX_PATH_LENGTH);
    throw invalid(`invalid reference format: repository name (${shown}) must be lowercase`);
  }
  const match = referenceRegExp.exec(`${domain}/${rest}`);
  if (match === null) throw invalid('invalid reference format');
  const [, matchedDomain = '', path = '', tag, digest] = match;
  if (path.length > MAX_PATH_LENGTH) {
    throw invalid(`repository name must not be more than ${String(MAX_PATH_LENGTH)} characters`);
  }
  if (digest !== undefined) checkDigest(digest);
  return {
    domain: matchedDomain,
    path,
    ...(tag === undefined ? (digest === undefined ? { tag: 'latest' } : {}) : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

/** Domain and path: 'docker.io/library/nginx'. */
export function repositoryName(reference: Reference): string {
  return `${reference.domain}/${reference.path}`;
}

/** The whole of it, normalised: 'docker.io/library/nginx:latest', '…@sha256:…'. */
export function formatReference(reference: Reference): string {
  return repositoryName(reference) + suffix(reference);
}

/** As a user would have typed the repository: 'nginx', 'demo/web', 'localhost:5000/x'. */
export function familiarRepository(reference: Reference): string {
  if (reference.domain !== DEFAULT_DOMAIN) return repositoryName(reference);
  const { path } = reference;
  const short = path.startsWith(OFFICIAL_PREFIX) ? path.slice(OFFICIAL_PREFIX.length) : path;
  // Docker keeps the prefix where dropping it would leave something that reads as something else.
  return short.includes('/') ? path : short;
}

/** As a user would have typed it, tag and digest included: 'nginx:latest', 'demo/web@sha256:…'. */
export function familiarName(reference: Reference): string {
  return familiarRepository(reference) + suffix(reference);
}

/** The name as Docker speaks of it where it has no image of that name: with its tag; an id as it is. */
export function fullName(text: string): string {
  try {
    return familiarName(parseReference(text));
  } catch {
    return text; // Not a name: whatever it was meant to be, the user knows it by these words.
  }
}

/** The same repository pinned to a digest, without a tag: what a `repoDigest` is. */
export function withDigest(reference: Reference, digest: string): Reference {
  return { domain: reference.domain, path: reference.path, digest };
}

/** Whether the user's text is a bare digest or id rather than a name: 'sha256:…'. */
export function isDigest(text: string): boolean {
  return /^sha256:[0-9a-f]{64}$/.test(text);
}

function suffix({ tag, digest }: Reference): string {
  return (tag === undefined ? '' : `:${tag}`) + (digest === undefined ? '' : `@${digest}`);
}

/** What stands before the first slash is a registry only if it could not be a path: a dot, a colon, a capital. */
function splitDomain(text: string): { domain: string; rest: string } {
  const slash = text.indexOf('/');
  const first = text.slice(0, Math.max(slash, 0));
  const isDomain = /[.:]/.test(first) || first === 'localhost' || first !== first.toLowerCase();
  let domain = isDomain ? first : DEFAULT_DOMAIN;
  let rest = isDomain ? text.slice(slash + 1) : text;
  if (domain === LEGACY_DEFAULT_DOMAIN) domain = DEFAULT_DOMAIN;
  if (domain === DEFAULT_DOMAIN && !rest.includes('/')) rest = OFFICIAL_PREFIX + rest;
  return { domain, rest };
}

function checkDigest(digest: string): void {
  const [algorithm = '', hex = ''] = digest.split(':');
  const length = hexDigits[algorithm];
  if (length === undefined) throw invalid('unsupported digest algorithm');
  if (hex.length !== length) throw invalid('invalid checksum digest length');
  if (!/^[a-f0-9]+$/.test(hex)) throw invalid('invalid checksum digest format');
}

function invalid(message: string): ImageError {
  return new ImageError({
    code: 'INVALID_REFERENCE',
    message,
    hint: 'a reference is [REGISTRY[:PORT]/]NAME[:TAG][@sha256:DIGEST], its name in lower case',
  });
}

/** A name to give to an image, with its tag; a digest is no name. @throws ImageError 'INVALID_REFERENCE', with `refusal`. */
export function tagOf(text: string, refusal = 'refusing to create a tag with a digest reference'): string {
  const reference = parseReference(text);
  if (reference.digest === undefined) return formatReference(reference);
  throw new ImageError({ code: 'INVALID_REFERENCE', message: refusal });
}
