/**
 * The user's registry credentials as `docker login` keeps them: ~/.docker/config.json (or $DOCKER_CONFIG), either
 * in the file itself or in the keeping of a docker-credential-NAME program that the file names.
 * Deliberately absent: writing any (login.ts does).
 */
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ImageError } from '../errors.ts';
import { checkForeign, parseForeign } from '../foreign/read.ts';
import { withoutNulls } from '../foreign/shape.ts';
import { dockerConfig } from '../foreign/registry-shapes.ts';
import { getFromHelper } from './credential-helper.ts';
import type { Credentials, Environment, DockerConfig, AuthEntry } from './docker-config.ts';

export function dockerConfigPath(env: Environment = process.env): string {
  return join(env['DOCKER_CONFIG'] ?? join(env['HOME'] ?? homedir(), '.docker'), 'config.json');
}

/**
 * `key` is the registry's host, or 'https://index.docker.io/v1/' for docker.io. undefined: nobody logged in there.
 * @throws ImageError 'CREDENTIALS_UNREADABLE' and 'CREDENTIAL_HELPER_FAILED'.
 */
export async function readCredentials(
  key: string,
  env: Environment = process.env,
): Promise<Credentials | undefined> {
  const path = dockerConfigPath(env);
  const config = withoutNulls(await readDockerConfig(path)) as DockerConfig;
  const helper = helperFor(config, key);
  if (helper !== undefined) {
    const kept = await getFromHelper(helper, key, env);
    if (kept !== undefined) return kept;
  }
  const entry = findEntry(config.auths ?? {}, key);
  return entry === undefined ? undefined : readEntry(entry, key, path);
}

/** With all that is in it, also what is of no use here. */
export async function readDockerConfig(path: string): Promise<DockerConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw unreadable(`cannot read ${path}: ${(cause as Error).message}`, cause);
  }
  const foreign = { what: path, code: 'CREDENTIALS_UNREADABLE', hint: REPAIR_HINT };
  return checkForeign(dockerConfig, parseForeign(text, foreign), foreign);
}

/** Who keeps the credentials of a registry: NAME of a program docker-credential-NAME, or the file itself. */
export function helperFor(config: DockerConfig, key: string): string | undefined {
  // A host may be called "toString".
  const helpers = new Map(Object.entries(config.credHelpers ?? {}));
  const helper = helpers.get(key) ?? helpers.get(hostOf(key)) ?? config.credsStore ?? '';
  return helper === '' ? undefined : helper;
}

/** Older versions of Docker wrote keys with a scheme and a path; the host is what counts. */
function findEntry(auths: Readonly<Record<string, AuthEntry>>, key: string): AuthEntry | undefined {
  if (Object.hasOwn(auths, key)) return auths[key];
  return Object.entries(auths).find(([candidate]) => hostOf(candidate) === hostOf(key))?.[1];
}

function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
}

function readEntry(entry: AuthEntry, key: string, path: string): Credentials | undefined {
  let { username = '', password = '' } = entry;
  if (entry.auth !== undefined && entry.auth !== '') {
    const decoded = Buffer.from(entry.auth, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon === -1) throw unreadable(`the entry of ${key} in ${path} is not base64 of NAME:PASSWORD`);
    username = decoded.slice(0, colon);
    // Docker once padded the password with NUL bytes.
    password = decoded.slice(colon + 1).replace(/\0+$/, '');
  }
  const identityToken = entry.identitytoken === '' ? undefined : entry.identitytoken;
  // With a helper, `docker login` leaves an empty entry behind.
  if (username === '' && identityToken === undefined) return undefined;
  return { username, password, ...(identityToken === undefined ? {} : { identityToken }) };
}

const REPAIR_HINT = 'repair the file, or point DOCKER_CONFIG at another directory';

function unreadable(message: string, cause?: unknown): ImageError {
  return new ImageError({
    code: 'CREDENTIALS_UNREADABLE',
    message,
    hint: REPAIR_HINT,
    cause,
  });
}
