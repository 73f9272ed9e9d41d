/**
 * `events` of the same commands in Docker and in minidock: types, actions, actors, attributes and their order. What
 * differs each time is replaced. Docker's own events of a start that fails (its networks, connected and disconnected)
 * and its silence about memory that has run out are left as they are.
 */
import { expect, test } from '@jest/globals';
import { describeBesideDocker } from '../support/docker/beside-docker.ts';

/** Without times and ids; attributes in their order, which both sort. */
const comparable = (text: string): readonly string[] =>
  text
    .split('\n')
    .filter((line) => /^\S+ (container|image|network|volume|builder) /.test(line))
    .map((line) =>
      line
        .replace(/^\S+ /, '')
        .replace(/sha256:[0-9a-f]{64}/g, 'ID')
        .replace(/\b[0-9a-f]{64}\b/g, 'ID')
        .replace(/reclaimed=\d+/, 'reclaimed=N')
        .replace(/execDuration=\d+/, 'execDuration=N'),
    );

const SINCE = 'since=$(date +%s.%N)';
const TOLD = 'docker events --since $since --until $(date +%s.%N)';

/** Docker tells twice that a network is disconnected by hand. */
const once = (lines: readonly string[]): readonly string[] =>
  lines.filter((line, index) => line !== lines[index - 1] || !line.startsWith('network disconnect'));

const sorted = (lines: readonly string[]): readonly string[] => [...lines].sort();

describeBesideDocker('events', ({ both }) => {
  const events = async (script: string, flags = ''): Promise<readonly (readonly string[])[]> => {
    const { docker, minidock } = await both(`${SINCE}; { ${script}; } >/dev/null 2>&1; ${TOLD} ${flags}`);
    return [minidock, docker].map(({ stdout }) => once(comparable(stdout)));
  };

  test.each([
    [
      'create, start, attach, die, destroy',
      `docker create --name aa --label x=y test true; docker start -a aa; docker rm aa;
       docker run --rm --name bb test false`,
    ],
    [
      'kill, pause, update, restart, rename',
      `docker run -d --name aa test sleep 100; docker kill -s USR1 aa; docker pause aa; docker unpause aa;
       docker update --restart no aa; docker rename aa bb; docker kill bb; docker wait bb; docker start bb;
       docker rm -f bb`,
    ],
    [
      'networks',
      `docker network create n1; docker run -d --name aa --network n1 test sleep 100; docker network connect bridge aa;
       docker network disconnect n1 aa; docker network rm n1; docker rm -f aa; docker network create n2;
       docker network prune -f; docker create --name cc test true; docker network create n3;
       docker network connect n3 cc; docker network disconnect n3 cc; docker network rm n3; docker rm cc`,
    ],
    [
      'images',
      `docker tag test t2:x; docker rmi t2:x; docker save -o x.tar test; docker load -q -i x.tar;
       docker create --name aa test; docker export -o e.tar aa; docker import e.tar imported:1;
       docker commit -m words aa committed; docker commit aa; docker rmi imported:1 committed; docker image prune -f;
       docker cp aa:/bin/ls ls; docker cp ls aa:/tmp/ls; docker rm aa`,
    ],
    ['prunes', 'docker create --name aa test; docker container prune -f; docker system prune -f'],
    ['top', 'docker run -d --name aa test sleep 100; docker top aa; docker logs aa; docker rm -f aa'],
    [
      'restart policy',
      `docker run -d --name aa --restart on-failure:1 test sh -c 'exit 4';
       until docker inspect -f '{{.State.Status}} {{.RestartCount}}' aa | grep -qx 'exited 1'; do sleep 0.1; done;
       docker rm aa`,
    ],
  ])('%s', async (_, script) => {
    const [minidock, docker] = await events(script);
    expect(minidock).toEqual(docker);
    expect(docker?.length).toBeGreaterThan(1);
  });

  // Docker makes volumes in any order, and reports a stop before or after the end of the program.
  test.each([
    [
      'volumes',
      `docker volume create v1; docker volume create v1; docker run --rm --name aa -v v1:/x -v /y -v v2:/z:ro test true;
       docker volume rm v1; docker volume prune -af; docker create --name aa -v /q test; docker rm -v aa`,
    ],
    [
      'stop, restart',
      'docker run -d --name aa test sleep 100; docker restart -t 0 aa; docker stop -t 0 aa; docker rm aa',
    ],
    [
      'exec',
      `docker run -d --name aa test sleep 100; docker exec aa true; docker exec aa sh -c 'exit 3'; docker rm -f aa`,
    ],
  ])('%s, in any order', async (_, script) => {
    const [minidock = [], docker = []] = await events(script);
    expect(sorted(minidock)).toEqual(sorted(docker));
  });

  test('health: one event each time that the status changes', async () => {
    const [minidock, docker] = await events(
      `docker run -d --name aa --health-cmd 'test ! -e /ill' --health-interval 100ms --health-retries 2 test sleep 100;
       is() { until docker inspect -f '{{.State.Health.Status}}' aa | grep -qx $1; do sleep 0.1; done; };
       is healthy; docker exec aa touch /ill; is unhealthy; docker exec aa rm /ill; is healthy; docker rm -f aa`,
      '--filter event=health_status',
    );
    expect(minidock).toEqual(docker);
    expect(docker).toHaveLength(3);
  });
});
