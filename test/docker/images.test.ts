/** `images`, `rmi` and `image prune` beside Docker: names, parents and children, containers that use an image. */
import { expect, test } from '@jest/globals';
import { describeBesideDocker } from '../support/docker/beside-docker.ts';

/** `make FROM NAME TAG`: an image with a file more. `names`: what there is. Errors are part of the output. */
const PRELUDE = `
exec 2>&1
make() { docker run --name bb $1 sh -c "echo $2 > /$2" && docker commit bb $2:$3 >/dev/null && docker rm bb >/dev/null; }
names() { docker images "$@" --format '{{.Repository}}:{{.Tag}}' | sort; }
id() { docker images -q --no-trunc $1 | head -1; }
`;

/** Who says it, hints behind it, and the ids of layers, which Docker calls by their chains. */
const adjust = (text: string): string =>
  text
    .split('\n')
    .map((line) =>
      line.replace(/^(Error response from daemon|minidock): /, '').replace(/\b[0-9a-f]{12}\b/g, '<short>'),
    )
    .filter((line) => !/^(remove |minidock images lists|a reference is)/.test(line))
    .join('\n');

describeBesideDocker('images and rmi', ({ same }) => {
  test.each([
    ['a name of several', 'make test a v1; docker tag a:v1 a:v2; docker rmi a:v2; docker rmi a:v1; names'],
    [
      'a parent by name is kept for its child, out of sight',
      'make test a v1; make a:v1 b v1; docker rmi a:v1; names; names -a; names -f dangling=true; docker rmi b:v1; names -a',
    ],
    [
      'a parent by id, not even by force',
      'make test a v1; make a:v1 b v1; I=$(id a:v1); docker rmi $I; docker rmi -f $I; names',
    ],
    [
      'a chain, with and without --no-prune',
      'make test a v1; make a:v1 b v1; make b:v1 c v1; docker rmi a:v1 b:v1; docker rmi --no-prune c:v1 | grep -c Deleted; names -a',
    ],
    [
      'an id with names in several repositories',
      'make test a v1; docker tag a:v1 b:v1; I=$(id a:v1); docker rmi $I; docker rmi -f $I; names',
    ],
    [
      'names one by one, and one that is none',
      'docker tag test x:1; docker rmi x:1 nothing; docker rmi -f nothing; echo $?; docker rmi "A b"',
    ],
    [
      'of a stopped container: by name, by id, by force; it still starts',
      'make test a v1; docker run --name user a:v1 true; docker tag a:v1 a:v2; docker rmi a:v1; docker rmi a:v2; docker rmi $(id a:v2); docker rmi -f a:v2; names -a; docker start -a user; echo $?; docker rm user',
    ],
    [
      'of a running container: not by force',
      'make test a v1; docker run -d --name user a:v1 sleep 1000; I=$(id a:v1); docker rmi $I; docker rmi -f $I; docker rmi a:v1; docker rmi -f a:v1; names; docker rmi -f $I; docker rm -f user; docker image prune -f | grep -c deleted: >/dev/null; names -a',
    ],
    [
      'prune: what is dangling, and with -a what has no container; filters',
      'make test a v1; make test b v1; docker tag b:v1 a:v1; names; docker image prune -f --filter label=none; docker image prune -f --filter until=1h; docker image prune -f | grep untagged; names; docker run --name user test true; docker image prune -af --filter label!=maker | grep untagged | sort; names; docker rm user',
    ],
  ])('%s', async (_name, script) => {
    const tidy =
      '{ docker rmi -f $(docker images -aq --filter since=test); docker image prune -f; } >/dev/null 2>&1';
    const { stdout } = await same(`${PRELUDE}${script}; ${tidy}`, adjust);
    expect(stdout).not.toBe('');
  });

  test.each([
    ['before=b:v1'],
    ['since=test'],
    ['reference=*'],
    ['reference=*:v1'],
    ['label=purpose'],
    ['label=purpose=other'],
    ['dangling=false'],
    ['until=1h'],
    ['until=2030-01-01'],
    ['before=nothing'],
    ['before=A b'],
    ['reference=['],
  ])('images --filter %s', async (filter) => {
    await same(`${PRELUDE}make test b v1; names --filter "${filter}"; docker rmi b:v1 >/dev/null`, adjust);
  });
});
