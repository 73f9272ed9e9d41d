/**
 * The same commands in Docker and in minidock, each in a host of its own with the same images, and what they print
 * made comparable. A script says `docker`, which in minidock's host is minidock.
 *
 *   <id> <short> <time> <mac> DIR      what cannot be equal stands for itself
 *   172.N.0.                           each takes the first subnet that is free
 *
 * $DOCKER_ONLY is a flag that Docker needs to be as minidock always is: a cgroup namespace, also when privileged.
 * Of standard error the first line is compared, without who says it and Docker's full stop: minidock's further
 * lines are hints, Docker's the usage. Wording that differs on purpose is for the tests to say.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { missingDocker, startDocker, type DockerHost } from './docker.ts';
import { createHost, type TestHost } from '../host/host.ts';
import { installImages, succeed } from '../images/image.ts';

export interface Outcome {
  readonly stdout: string;
  /** Its first line, without 'docker: ', 'Error response from daemon: ' or 'minidock: ' before it. */
  readonly said: string;
  readonly exitCode: number;
}

export interface BesideDocker {
  /** Both outcomes of one script, which takes at most `timeout` milliseconds. */
  both(script: string, timeout?: number): Promise<{ readonly docker: Outcome; readonly minidock: Outcome }>;
  /** Runs the script in both and expects the same; `lines` picks or rewrites what is compared. */
  same(script: string, adjust?: (stdout: string) => string): Promise<Outcome>;
}

const MINIDOCK = join(import.meta.dirname, '../../../dist/minidock');

/** `describe`, with both hosts made before its tests; skipped, with the reason in its name, without Docker or `programs`. */
export function describeBesideDocker(
  name: string,
  body: (engines: BesideDocker) => void,
  programs: readonly string[] = [],
): void {
  const missing = missingDocker(programs);
  if (missing !== '') {
    describe(name, () => test.skip(`compared with Docker # skip: ${missing}`, () => undefined));
    return;
  }
  describe(name, () => {
    let docker: DockerHost | undefined;
    let host: TestHost | undefined;
    beforeAll(async () => {
      host = await createHost();
      docker = await startDocker();
      await installImages(host);
      const archive = join(host.dir, 'images.tar');
      await succeed(host.minidock('save', '-o', archive, 'test', 'configured'));
      await succeed(docker.docker('load', '-i', archive));
    }, 120_000);
    afterAll(async () => {
      await docker?.dispose();
      if (host !== undefined) {
        const { stdout } = await host.minidock('ps', '-aq');
        const left = stdout.split('\n').filter((id) => id !== '');
        if (left.length > 0) await succeed(host.minidock('rm', '-f', '-v', ...left));
        await host.dispose();
      }
    }, 120_000);

    const run = async (
      where: TestHost,
      argv: readonly string[],
      script: string,
      timeout: number,
    ): Promise<Outcome> => {
      const command = argv.map((word) => `'${word}'`).join(' ');
      const prelude = `docker() { command ${command} "$@"; }; DIR=${where.dir}; cd "$DIR"\n`;
      const { stdout, stderr, exitCode } = await where.run(['bash', '-c', prelude + script], {
        timeout,
        env: { DOCKER_ONLY: argv[0] === 'docker' ? '--cgroupns=private' : '' },
      });
      return {
        stdout: comparable(stdout, where.dir),
        said: firstSaid(comparable(stderr, where.dir)),
        exitCode,
      };
    };
    const both: BesideDocker['both'] = async (script, timeout = 60_000) => {
      if (docker === undefined || host === undefined)
        throw new Error('the hosts are made before the first test');
      const [theirs, ours] = await Promise.all([
        run(docker.host, docker.argv, script, timeout),
        run(host, [MINIDOCK], script, timeout),
      ]);
      return { docker: theirs, minidock: ours };
    };
    body({
      both,
      async same(script, adjust = (text) => text) {
        const { docker: theirs, minidock: ours } = await both(script);
        expect({ ...ours, stdout: adjust(ours.stdout) }).toEqual({
          ...theirs,
          stdout: adjust(theirs.stdout),
        });
        return ours;
      },
    });
  });
}

function comparable(text: string, dir: string): string {
  return text
    .replaceAll(dir, 'DIR')
    .replace(/\b[0-9a-f]{64}\b/g, '<id>')
    .replace(/\b(?=[0-9a-f]*[a-f])(?=[0-9a-f]*\d)[0-9a-f]{12}\b/g, '<short>')
    .replace(/\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( [+-]\d{4} UTC|Z)?/g, '<time>')
    .replace(/\b172\.\d+\.0\./g, '172.N.0.')
    .replace(/\b02:42(:[0-9a-f]{2}){4}\b/g, '<mac>');
}

export function firstSaid(stderr: string): string {
  return (stderr.split('\n')[0] ?? '')
    .replace(/^(docker|minidock|Error): /, '')
    .replace(/^Error response from daemon: /, '')
    .replace(/^failed to create task for container: .*unable to start container process: /, '')
    .replace(/: unknown(?=\.?$)/, '')
    .replace(/^driver failed programming .*? \(<id>\): /, '')
    .replace(/^Error starting userland proxy: /, '')
    .replace(/\.$/, '')
    .replaceAll('docker', 'minidock');
}
