/** `network` in Docker and in minidock: what is printed, what is refused, in which words and with which status. */
import { expect, test } from '@jest/globals';
import { describeBesideDocker } from '../support/beside-docker.ts';

describeBesideDocker('networks', ({ same, both }) => {
  test.each([
    'docker network ls --format "{{.Name}} {{.Driver}} {{.Scope}} {{.Internal}}"',
    'docker network create bridge',
    'docker network create host',
    'docker network create --gateway 10.8.0.1 six',
    'docker network create --subnet 10.8.0.0/24 --gateway 10.7.0.1 seven',
    'docker network create --subnet 10.8.0.0/24 --gateway x eight',
    'docker network create --subnet 10.8.0.5/24 four 2>&1 | tail -1',
    'docker network create --subnet 10.8.0.0 five 2>&1 | tail -1',
    'docker network rm nope',
    'docker network rm -f nope',
    'docker network rm bridge',
    'docker network rm host',
    'docker network inspect nope',
    'docker network inspect bridge nope -f "{{.Name}}"',
    'docker network inspect host -f "{{.Driver}} {{json .IPAM}} {{json .Containers}}"',
  ])('%s', async (script) => {
    await same(script);
  });

  test('the life of a network', async () => {
    await same('docker network create --subnet 10.9.0.0/24 two');
    await same('docker network create two');
    await same('docker network create --subnet 10.9.0.0/16 three');
    await same('docker network ls | sed "s/^[0-9a-f]*/ID/"');
    // Docker tells the gateway only where one was asked for, and the bridge's name nowhere.
    await same('docker network inspect two', (text) =>
      text
        .replace(/,\n *"Gateway": "10\.9\.0\.1"/, '')
        .replace(/"Options": \{\s*"com[^}]*\},\n(\s*"Labels")/, '"Options": {},\n$1'),
    );
    await same('docker run --rm --network two --ip 10.9.0.77 test ip -4 -o address show eth0 | cut -c 3-60');
    await same('docker run --rm --network two test ip route');
    await same('docker run -d --name c1 --network two test sleep 100');
    await same('docker network inspect -f "{{range .Containers}}{{.Name}} {{.IPv4Address}}{{end}}" two');
    await same(
      'docker inspect -f "{{.HostConfig.NetworkMode}} [{{.NetworkSettings.IPAddress}}] {{.NetworkSettings.Networks.two.IPAddress}} {{.NetworkSettings.Networks.two.Gateway}}" c1',
    );
    await same('docker ps --format "{{.Names}} {{.Networks}}" --filter network=two');
    await same('docker network rm two');
    await same('docker stop -t 0 c1; docker network rm two');
    const { docker, minidock } = await both('docker start c1');
    expect([minidock.exitCode, minidock.stdout]).toEqual([docker.exitCode, docker.stdout]);
    expect(docker.said).toBe('network <id> not found');
    expect(minidock.said).toBe('network two not found');
    await same('docker rm c1');
  });

  test('an internal network has no way out', async () => {
    await same('docker network create --internal --subnet 10.8.0.0/24 inner');
    await same('docker run --rm --network inner test ip route | sed "s/src.*//"');
    await same('docker network inspect -f "{{.Internal}}" inner');
    await same('docker network rm inner');
  });
});
