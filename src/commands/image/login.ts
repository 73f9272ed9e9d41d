/** `login` and `logout`: credentials of registries, kept where `docker login` keeps them. */
import { createInterface } from 'node:readline/promises';
import { registryOptionsFromEnvironment } from '../../../images/registry/client.ts';
import { login as logIn, logout as logOut } from '../../../images/registry/login.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import type { Verb } from '../shared/verb.ts';
import { stderr, stdinIsTerminal, stdout } from '../../io/standard-streams.ts';

interface LoginFlags {
  readonly username?: string;
  readonly password?: string;
  readonly passwordStdin?: boolean;
}

export const login: Verb = {
  configure(command) {
    command
      .usage('[OPTIONS] [SERVER]')
      .argument('[server]')
      .option('-u, --username <string>', 'Username')
      .option('-p, --password <string>', 'Password')
      .option('--password-stdin', 'Take the password from stdin')
      .action(async (server: string | undefined, flags: LoginFlags) => {
        const username = flags.username ?? (await ask('Username: ', false));
        const password = await passwordFrom(flags);
        const { keptIn } = await logIn({
          registry: server ?? 'docker.io',
          username,
          password,
          options: registryOptionsFromEnvironment(),
        });
        stdout.write(`Login Succeeded\nThe credentials are kept in ${keptIn}.\n`);
      });
  },
};

export const logout: Verb = {
  configure(command) {
    command
      .usage('[SERVER]')
      .argument('[server]')
      .action(async (server: string | undefined) => {
        const registry = server ?? 'docker.io';
        const removed = await logOut(registry);
        stdout.write(
          removed ? `Removing login credentials for ${registry}\n` : `Not logged in to ${registry}\n`,
        );
      });
  },
};

async function passwordFrom(flags: LoginFlags): Promise<string> {
  if (flags.password !== undefined) {
    stderr.write('WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n');
    return flags.password;
  }
  if (flags.passwordStdin !== true) return ask('Password: ', true);
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks)
    .toString()
    .replace(/\r?\n$/, '');
}

async function ask(question: string, secret: boolean): Promise<string> {
  if (!stdinIsTerminal()) {
    throw new MinidockError({
      code: 'NO_TERMINAL',
      message: 'Cannot perform an interactive login from a non TTY device',
      hint: 'Give --username, and the password with --password-stdin.',
    });
  }
  if (!secret) {
    const lines = createInterface({ input: process.stdin, output: stderr.asNodeStream() });
    const answer = await lines.question(question);
    lines.close();
    return answer.trim();
  }
  stderr.write(question);
  return readSecret();
}

/** Reads without echo, and always restores the terminal. */
function readSecret(): Promise<string> {
  const { stdin } = process;
  stdin.setRawMode(true);
  return new Promise((resolve, reject) => {
    let typed = '';
    const done = (finish: () => void): void => {
      stdin.setRawMode(false);
      stdin.off('data', onData);
      stdin.pause();
      stderr.write('\n');
      finish();
    };
    const onData = (chunk: Buffer): void => {
      for (const character of chunk.toString()) {
        if (character === '\r' || character === '\n') return done(() => resolve(typed));
        if (character === '\u0003') {
          return done(() =>
            reject(new MinidockError({ code: 'INTERRUPTED', message: 'interrupted', exitCode: 130 })),
          );
        }
        typed = character === '\u007f' ? typed.slice(0, -1) : typed + character;
      }
    };
    stdin.on('data', onData);
  });
}
