/**
 * `login` and `logout` of a registry, in Docker's own file, so that both programs share the credentials. It tests a
 * name and a password before it stores them; it stores them where the file says: in the file, readable only by its
 * owner, or in a docker-credential-NAME program.
 */
import { randomBytes } from 'node:crypto';
import { lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ImageError } from '../errors.ts';
import { DEFAULT_DOMAIN } from '../reference.ts';
import type { RegistryClientOptions } from './client.ts';
import { eraseFromHelper, storeInHelper } from './credential-helper.ts';
import { dockerConfigPath, helperFor, readDockerConfig } from './credentials.ts';
import type { DockerConfig, Environment } from './docker-config.ts';
import { listEndpoints, type Endpoint } from './endpoints.ts';
import { Session } from './session.ts';

export interface LoginRequest {
  /** 'docker.io', 'quay.io', 'localhost:5000'. */
  readonly registry: string;
  readonly username: string;
  readonly password: string;
  readonly options?: Pick<RegistryClientOptions, 'insecureRegistries'>;
  readonly env?: Environment;
}

/** @throws ImageError 'LOGIN_FAILED', and what reaching a registry and writing the file can throw. */
export async function login(request: LoginRequest): Promise<{ readonly keptIn: string }> {
  const { username, password, env = process.env } = request;
  const endpoint = endpointOf(request.registry, request.options);
  await tryCredentials(endpoint, request);
  const path = dockerConfigPath(env);
  const config = await readDockerConfig(path);
  const key = endpoint.credentialsKey;
  const helper = helperFor(config, key);
  if (helper !== undefined) {
    await storeInHelper(helper, key, { username, password }, env);
    await writeConfig(path, { ...config, auths: { ...config.auths, [key]: {} } });
    return { keptIn: `docker-credential-${helper}` };
  }
  const auth = Buffer.from(`${username}:${password}`, 'utf8').toString('base64');
  await writeConfig(path, { ...config, auths: { ...config.auths, [key]: { auth } } });
  return { keptIn: path };
}

/** False if nobody was logged in there. */
export async function logout(registry: string, env: Environment = process.env): Promise<boolean> {
  const key = endpointOf(registry).credentialsKey;
  const path = dockerConfigPath(env);
  const config = await readDockerConfig(path);
  const helper = helperFor(config, key);
  const erased = helper !== undefined && (await eraseFromHelper(helper, key, env));
  if (config.auths?.[key] === undefined) return erased;
  const auths = Object.fromEntries(Object.entries(config.auths).filter(([name]) => name !== key));
  await writeConfig(path, { ...config, auths });
  return true;
}

function endpointOf(registry: string, options: LoginRequest['options'] = {}): Endpoint {
  const domain = registry.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  const { insecureRegistries = [] } = options;
  const isHub = ['', 'index.docker.io', 'registry-1.docker.io'].includes(domain);
  const [endpoint] = listEndpoints(isHub ? DEFAULT_DOMAIN : domain, { insecureRegistries, mirrors: [] });
  if (endpoint === undefined)
    throw new ImageError({ code: 'NO_ENDPOINT', message: `no registry serves ${domain}` });
  return endpoint;
}

async function tryCredentials(
  endpoint: Endpoint,
  { username, password, options }: LoginRequest,
): Promise<void> {
  const session = new Session(endpoint, {
    credentials: () => Promise.resolve({ username, password }),
    insecureRegistries: options?.insecureRegistries ?? [],
    timeouts: { headers: 30_000, idle: 30_000 },
    userAgent: 'minidock',
  });
  const failed = (why: string, cause?: unknown): ImageError =>
    new ImageError({ code: 'LOGIN_FAILED', message: `login to ${endpoint.base.host}: ${why}`, cause });
  try {
    const response = await session.request({ method: 'GET', path: '/v2/', scope: '' });
    response.discard();
    if (response.status === 401 || response.status === 403)
      throw failed('unauthorized: incorrect username or password');
    if (response.status !== 200) throw failed(`received unexpected HTTP status: ${String(response.status)}`);
  } catch (error) {
    throw error instanceof ImageError && error.code === 'UNAUTHORIZED' ? failed(error.message, error) : error;
  }
}

/** Beside the file and then over it: Docker may read it at any moment. A symlink of one's own stays one. */
async function writeConfig(path: string, config: DockerConfig): Promise<void> {
  await refuseForeignLink(dirname(path));
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await refuseForeignLink(path);
  const target = await realpath(path).catch(() => path);
  const temporary = `${target}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(config, null, '\t')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Root with another user's HOME (`sudo` may keep it) would write wherever that user's links lead. */
async function refuseForeignLink(path: string): Promise<void> {
  const stats = await lstat(path).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (stats?.isSymbolicLink() !== true || stats.uid === 0 || stats.uid === process.geteuid?.()) return;
  throw new ImageError({
    code: 'CREDENTIALS_UNSAFE',
    message: `credentials are not written through ${path}: the link belongs to uid ${String(stats.uid)}`,
    hint: 'set HOME or DOCKER_CONFIG to a directory of your own, or remove the link',
  });
}
