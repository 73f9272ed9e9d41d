/** `inspect` of each kind beside Docker: the keys there are and the types of their values, --type, --size and --mount. */
import { expect, test } from '@jest/globals';
import { describeBesideDocker } from '../support/docker/beside-docker.ts';

const MADE = `
exec 2>/dev/null
docker network create nn; docker volume create vv; docker volume create --label a=b -o type=tmpfs -o device=tmpfs vt
docker run -d --name rr -p 8080:80 -v vv:/v -v /a -v /tmp:/b:ro --mount type=volume,source=vv,target=/m,readonly \
  --mount type=bind,source=/tmp,target=/c,bind-propagation=rprivate --mount type=tmpfs,target=/t,tmpfs-size=1m,tmpfs-mode=700 \
  --tmpfs /q:size=1m --network nn --restart on-failure:3 --health-cmd true --health-interval 1h -e A=b --label x=y \
  --cap-add NET_ADMIN --memory 64m test sleep 1000
`;
const GONE = `
docker rm -fv rr >/dev/null; docker network rm nn >/dev/null; docker volume rm vv vt >/dev/null`;

/** 'c .State.Pid number', sorted; ids as keys are one. */
function keys(text: string): readonly string[] {
  const walk = (value: unknown, path: string): readonly string[] => {
    if (Array.isArray(value)) return [`${path} list`, ...value.flatMap((one) => walk(one, `${path}[]`))];
    if (typeof value !== 'object' || value === null)
      return [`${path} ${value === null ? 'null' : typeof value}`];
    return Object.entries(value).flatMap(([key, one]) => walk(one, `${path}.${key}`));
  };
  return [
    ...new Set(text.split('\n').flatMap((line) => (line === '' ? [] : walk(JSON.parse(line), '')))),
  ].sort();
}

describeBesideDocker('inspect', ({ both, same }) => {
  test.each([
    ['containers', 'docker inspect -s -f json rr'],
    ['images', 'docker inspect -f json test configured'],
    ['networks', 'docker network inspect -f json nn bridge host none'],
    ['volumes', 'docker volume inspect -f json vv vt'],
  ])('the keys of %s', async (_kind, command) => {
    const { docker, minidock } = await both(`{ ${MADE} } >/dev/null; ${command}; ${GONE}`);
    const [theirs, ours] = [keys(docker.stdout), keys(minidock.stdout)];
    expect(theirs.length).toBeGreaterThan(8);
    expect({
      missing: theirs.filter((key) => !ours.includes(key)),
      more: ours.filter((key) => !theirs.includes(key)),
    }).toEqual({ missing: [], more: [] });
  });

  test('what was given by -v, --tmpfs and --mount', async () => {
    const format = '{{json .HostConfig.Binds}} {{json .HostConfig.Mounts}} {{json .HostConfig.Tmpfs}}';
    await same(`{ ${MADE} } >/dev/null; docker inspect -f '${format}' rr; ${GONE}`);
  });

  test.each(['container', 'image', 'network', 'volume', 'nope'])('--type %s with --size', async (type) => {
    const each = `for n in rr test nn vv nothing; do docker inspect --type ${type} -s -f found $n; echo $?; done`;
    await same(`{ ${MADE} } >/dev/null; exec 2>&1; ${each}; ${GONE}`, (text) =>
      text.replaceAll(/^(Error response from daemon|Error|minidock): /gm, ''),
    );
  });
});
