/** Dockerfiles built by Docker and by minidock: the same files in the image, the same configuration and history. */
import { describe, expect, test } from '@jest/globals';
import { describeBesideDocker, type BesideDocker } from '../support/docker/beside-docker.ts';
import { DEV_TIMEOUT, devImage } from '../support/docker/dev-image.ts';
import { caseFiles, CONTEXT, dockerfileCases, type DockerfileCase } from '../support/dockerfiles/cases.ts';

/** Milliseconds; a project's image has some 30,000 files. */
const MOST = 240_000;
const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** Names, kinds, modes, owners and links; device numbers; contents; attributes. */
const LIST = `
list() {
  find . -mindepth 1 -printf '%P %y %m %U:%G %l\\n' | LC_ALL=C sort
  find . -type f -links +1 -printf '%P is linked %n times\\n' | LC_ALL=C sort
  find . -type b,c -exec stat -c '%n %t:%T' {} + | LC_ALL=C sort
  find . -type f -exec md5sum {} + | LC_ALL=C sort -k 2
  getfattr -R -h -d -m - -e hex . 2>/dev/null
  true
}`;

/** Docker asks its registry for the image that a tag is now, and waits for a name server that is out of reach. */
const NO_NAME_SERVER = 'echo nameserver 127.0.0.1 >resolv.conf && mount --bind resolv.conf /etc/resolv.conf';

const scriptOf = ({ flags, dockerfile, ignore }: DockerfileCase): string => `
${LIST}
printf %s ${quoted(dockerfile)} >Dockerfile
${ignore === undefined ? 'rm -f Dockerfile.dockerignore' : `printf %s ${quoted(ignore)} >Dockerfile.dockerignore`}
rm -rf files && mkdir files && cd context
build() { docker build --progress plain ${flags} "$@" -f ../Dockerfile . >../log 2>&1 || { cat ../log >&2; exit 1; }; }
build -t case
build --output type=tar,dest=../files.tar
tar --xattrs --xattrs-include='*' -C ../files -xpf ../files.tar
(cd ../files && list)
docker image inspect -f '{{json .Config}}' case
docker history --no-trunc --format '{{.CreatedBy}} | {{.Comment}}' case
docker rmi case >/dev/null`;

describe.each(caseFiles())('%s', (file) => {
  describeBesideDocker(
    'the same image',
    (engines: BesideDocker) => {
      test(
        'a context, and what it starts from',
        async () => {
          const base = file === 'projects.cases' ? `docker import ${await devImage()} dev` : 'true';
          const script = `${NO_NAME_SERVER}; mkdir context && (cd context && bash -c ${quoted(CONTEXT)}) && ${base}`;
          const { docker, minidock } = await engines.both(script, DEV_TIMEOUT);
          expect([docker, minidock]).toMatchObject([{ exitCode: 0 }, { exitCode: 0 }]);
        },
        2 * DEV_TIMEOUT,
      );

      test.each(dockerfileCases(file).map((one) => [one.name, one] as const))(
        '%s',
        async (_name, one) => {
          const { docker, minidock } = await engines.both(scriptOf(one), MOST);
          if (one.fails || one.stricter) {
            expect([docker.exitCode, minidock.exitCode]).toEqual([one.fails ? 1 : 0, 1]);
            return;
          }
          const said = minidock.exitCode === docker.exitCode ? '' : `${docker.said}\n${minidock.said}`;
          expect({ said, ...comparable(minidock) }).toEqual({ said: '', ...comparable(docker) });
          expect(docker.exitCode).toBe(0);
        },
        MOST,
      );
    },
    ['setfattr', 'getfattr'],
  );
});

const comparable = ({
  stdout,
  exitCode,
}: {
  readonly stdout: string;
  readonly exitCode: number;
}): object => ({
  lines: stdout.split('\n'),
  exitCode,
});
