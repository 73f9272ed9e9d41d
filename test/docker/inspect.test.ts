/** Images, and `inspect` of images and containers: the same fields in the same order, with the same values. */
import { expect, test } from '@jest/globals';
import { describeBesideDocker } from '../support/docker/beside-docker.ts';

/** One "path: value" for each value, so that the order of keys, which in Docker is Go's and says nothing, is left out. */
function flatten(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [`${path}: ${JSON.stringify(value)}`];
  const entries = Object.entries(value);
  if (entries.length === 0) return [`${path}: ${Array.isArray(value) ? '[]' : '{}'}`];
  return entries.flatMap(([key, inner]) => flatten(inner, `${path}.${key}`)).sort();
}

/** What is minidock's own: where it keeps things, its log, its runtime, and masks that later versions of Docker have. */
const OWN =
  /GraphDriver\.Data|LogPath|LogConfig\.Type|HostConfig\.Runtime|SandboxKey|MaskedPaths|(Resolv|Host\w*)\w*Path:/;

function fields(text: string): readonly string[] {
  // Mounts and variables stand in the order of a Go map.
  const objects = JSON.parse(text) as {
    Mounts?: { Destination: string }[];
    Config?: { Env?: string[] | null };
    HostConfig?: { Binds?: string[] | null };
  }[];
  for (const object of objects) {
    object.Mounts?.sort((a, b) => (a.Destination < b.Destination ? -1 : 1));
    object.Config?.Env?.sort();
    object.HostConfig?.Binds?.sort();
  }
  return flatten(objects)
    .filter((line) => !OWN.test(line))
    .map((line) =>
      line.replace(/Pid: [1-9]\d*/, 'Pid: N').replace(/DIR\/(docker|root)\/volumes/, 'DIR/volumes'),
    );
}

describeBesideDocker('inspect', ({ same, both }) => {
  test.each([
    ['a container', '-d', 'test sleep 1000'],
    ['with ports', '-d -p 127.0.0.1:8080:80 -p 127.0.0.1:53:53/udp --expose 99', 'test sleep 1000'],
    [
      'a created one with many flags',
      '',
      `--label a=b -m 64m --memory-swap -1 --cpus .5 --cpuset-cpus 0 --pids-limit 9
      --cpu-shares 7 --ulimit nofile=5:6 --cap-add NET_ADMIN --cap-drop MKNOD --device /dev/null --security-opt no-new-privileges
      --sysctl net.core.somaxconn=9 --init --read-only --tmpfs /x:size=1m --rm --stop-timeout 3 --stop-signal INT --shm-size 1m
      --oom-score-adj 5 --group-add 5 -u 5 -w /tmp -t -i --entrypoint ls --dns 1.2.3.4 --dns-search s --dns-opt o
      --add-host q:1.1.1.1 --network none -h h --domainname d -v /usr:/u:ro -e A=b test a`,
    ],
    [
      'with the image’s configuration',
      '',
      '-v vol1:/v1 -v /usr:/b:ro --tmpfs /t:size=1m -e A=b -e COLOUR=red configured a b',
    ],
    ['privileged', '', '--privileged $DOCKER_ONLY --entrypoint /bin/sh configured -c x'],
    ['on the host’s network', '', '--network host -h own test'],
  ])('%s', async (_, detached, words) => {
    const verb = detached === '' ? 'create' : `run ${detached}`;
    const { docker, minidock } = await both(
      `docker ${verb} --name it ${words.replace(/\s+/g, ' ')} >/dev/null; docker inspect it; docker rm -fv it >/dev/null; docker volume rm vol1 >/dev/null 2>&1 || true`,
    );
    const differs =
      /^\.0\.HostConfig\.CgroupnsMode|^\.0\.NetworkSettings\.Networks\.\w+\.(MacAddress|DNSNames)|SecurityOpt.*(label=disable|null)/;
    const shown = (text: string): readonly string[] => fields(text).filter((line) => !differs.test(line));
    expect(minidock.exitCode).toBe(0);
    expect(shown(minidock.stdout)).toEqual(shown(docker.stdout));
  });

  test('a container that has ended', async () => {
    const { docker, minidock } = await both(
      "docker run --name it test sh -c 'exit 3'; docker inspect it; docker rm it >/dev/null",
    );
    // Docker goes on naming the network namespace that has gone.
    const shown = (text: string): readonly string[] =>
      fields(text).filter((line) => !/NetworkID|SandboxID/.test(line));
    expect(shown(minidock.stdout)).toEqual(shown(docker.stdout));
  });

  test.each(['test', 'configured'])('image %s', async (name) => {
    const { docker, minidock } = await both(`docker image inspect ${name}`);
    expect(fields(minidock.stdout)).toEqual(fields(docker.stdout));
  });

  test.each([
    'inspect -f \'{{index .Config.Labels "maker"}} {{len .RootFS.Layers}} {{.Config.Cmd}} {{json .Config.Volumes}} {{.Config.ExposedPorts}}\' configured',
    "inspect -f '{{.Size}} {{.RepoTags}} {{.Os}}/{{.Architecture}} {{.Config.User}}' test configured",
    'inspect --format json test | head -c 300',
    'inspect test nosuch configured | grep -c Id',
    'images --format "{{.Repository}} {{.Tag}} {{.ID}} {{.Size}} {{.Digest}} {{.CreatedSince}} {{.CreatedAt}}"',
    'images',
    'images -q | wc -l',
    'images --digests',
    'images --no-trunc',
    'images test',
    'images nosuch',
    "images 'te*'",
    "images --filter reference='te*'",
    'images --filter dangling=true -q',
    'images --filter label=maker=test -q | wc -l',
    'images -a --no-trunc -q',
    'history test',
    'history --no-trunc configured',
    'history -q test',
    'history -H=false test',
    "history --format '{{.ID}} {{.Size}} {{.CreatedBy}}' test",
  ])('%s', async (words) => {
    // Images made at the same moment come in no order.
    await same(`docker ${words}`, (text) => text.split('\n').sort().join('\n'));
  });

  test('tag, rmi', async () => {
    await same(`docker tag test other:1; docker tag test a.b/c/d:e; docker image inspect -f '{{json .RepoTags}}' test
      docker images --format '{{.Repository}}:{{.Tag}}' | sort; docker rmi other:1 a.b/c/d:e; docker rmi other:1; docker tag test UPPER 2>/dev/null; echo $?`);
    await same(
      'docker run -d --name user test sleep 100 >/dev/null; docker rmi $(docker images -q test) 2>/dev/null; echo $?; docker rm -f user',
    );
  });

  test('save and load', async () => {
    await same(`docker save -o s.tar test; docker load -i s.tar; docker load -q <s.tar; docker save test >t.tar; docker load --input t.tar
      tar xOf s.tar manifest.json | grep -o '"RepoTags":[^,]*'; docker load -i /nosuch 2>/dev/null; echo $?; docker load </dev/null 2>/dev/null; echo $?`);
  });

  test('import', async () => {
    await same(`mkdir -p tree; echo hi >tree/file; tar -C tree -cf i.tar file
      docker import i.tar imp:1 | cut -d: -f1; docker import -m note -c 'CMD ["a","b"]' -c 'ENV A=b' -c 'EXPOSE 80' -c 'WORKDIR /w' - imp:2 <i.tar | cut -d: -f1
      docker image inspect -f '{{json .Config}} {{.Comment}} {{.Size}}' imp:2; docker run --rm imp:1 2>/dev/null; echo $?
      docker rmi imp:1 imp:2 | wc -l; docker import -c 'FOO x' - x:1 </dev/null 2>/dev/null; echo $?`);
  });
});
