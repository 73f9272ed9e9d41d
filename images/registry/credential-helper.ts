/**
 * Programs that keep passwords (in the desktop's keyring, in pass, in a cloud's vault), as Docker calls them:
 * docker-credential-NAME with `get`, `store` or `erase`, the registry's key or JSON on their standard input, JSON on
 * their standard output. Source: docker/docker-credential-helpers, "Development of a credential helper".
 */
import { spawn } from 'node:child_process';
import { ImageError } from '../errors.ts';
import { readForeign } from '../foreign/read.ts';
import { helperAnswer } from '../foreign/registry-shapes.ts';
import type { Credentials, Environment } from './docker-config.ts';

/** undefined if it keeps nothing under the key. @throws ImageError 'CREDENTIAL_HELPER_FAILED'. */
export async function getFromHelper(
  name: string,
  key: string,
  env: Environment,
): Promise<Credentials | undefined> {
  const program = programOf(name);
  const { status, stdout, stderr } = await runHelper(program, 'get', key, env);
  if (status !== 0) {
    if (/credentials not found/i.test(stdout)) return undefined;
    throw helperFailed(
      `${program} get`,
      (stdout || stderr).trim() || `it ended with status ${String(status)}`,
    );
  }
  const { Username: username = '', Secret: secret = '' } = readForeign(helperAnswer, stdout, {
    what: `error getting credentials: the answer of ${program} get`,
    code: 'CREDENTIAL_HELPER_FAILED',
    hint: helperHint(program),
  });
  if (username === '<token>') return { username: '', password: '', identityToken: secret };
  return username === '' ? undefined : { username, password: secret };
}

export async function storeInHelper(
  name: string,
  key: string,
  credentials: Credentials,
  env: Environment,
): Promise<void> {
  const secret = { ServerURL: key, Username: credentials.username, Secret: credentials.password };
  await must(programOf(name), 'store', JSON.stringify(secret), env);
}

/** Whether there was something to erase. */
export async function eraseFromHelper(name: string, key: string, env: Environment): Promise<boolean> {
  if ((await getFromHelper(name, key, env)) === undefined) return false;
  await must(programOf(name), 'erase', key, env);
  return true;
}

async function must(program: string, action: string, input: string, env: Environment): Promise<void> {
  const { status, stdout, stderr } = await runHelper(program, action, input, env);
  if (status === 0) return;
  const said = (stdout || stderr).trim() || `it ended with status ${String(status)}`;
  throw helperFailed(`${program} ${action}`, said);
}

/** A name with a slash would be a path, from the working directory on. */
function programOf(name: string): string {
  const program = `docker-credential-${name}`;
  if (name.includes('/')) throw helperFailed(program, 'the name of a helper has no slash');
  return program;
}

function runHelper(
  program: string,
  action: string,
  input: string,
  env: Environment,
): Promise<{ status: number | null; stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, [action], { stdio: ['pipe', 'pipe', 'pipe'], env });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString('utf8')));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString('utf8')));
    child.on('error', (cause) => {
      reject(
        helperFailed(
          `${program} ${action}`,
          `it cannot be started (${(cause as NodeJS.ErrnoException).code ?? 'unknown'})`,
          cause,
        ),
      );
    });
    child.on('close', (status) => {
      resolve({ status, stdout, stderr });
    });
    child.stdin.on('error', () => {
      // EPIPE from a helper that does not read its input: its exit status tells the rest.
    });
    child.stdin.end(input);
  });
}

function helperFailed(command: string, why: string, cause?: unknown): ImageError {
  return new ImageError({
    code: 'CREDENTIAL_HELPER_FAILED',
    message: `error getting credentials: ${command}: ${why}`,
    hint: helperHint(command.split(' ')[0] ?? command),
    cause,
  });
}

const helperHint = (program: string): string =>
  `put ${program} on the PATH, or take credsStore and credHelpers out of Docker's config.json`;
