/** `network` in Docker and in minidock: what is printed, what is refused, in which words and with which status. */
import { expect, test } from '@jest/globals';
import { describeBesideDocker } from '../support/docker/beside-docker.ts';

describeBesideDocker('networks', ({ same, both }) => {
  test.each([
    'docker network ls --format "{{.Name}} {{.Driver}} {{.Scope}} {{.Internal}}"',
    'docker network ls --filter type=x',
    'docker network ls --filter dangling=x',
    'docker network ls --filter foo=x',
    'docker network ls --filter type=builtin --format "{{.Name}}"',
    'docker network create -d host one',
    'docker network create -d nope one',
    'docker network create --ip-range 10.21.5.0/24 one',
    'docker network create --aux-address a=10.21.5.0 one',
    'docker network create --subnet 10.20.0.0/16 --ip-range 10.21.5.0/24 one',
    'docker network create --subnet 10.20.0.0/16 --aux-address a=10.21.5.0 one',
    'docker network create --subnet 10.20.0.0/16 --subnet 10.21.0.0/16 one',
    'docker network create -o com.docker.network.bridge.enable_icc=maybe one',
    'docker network create -o com.docker.network.driver.mtu=abc one',
    'docker network create -o com.docker.network.bridge.host_binding_ipv4=abc one',
    'docker network create -o com.docker.network.bridge.name=eth0 one',
    'docker run --rm --network name=one,foo=bar test true',
    'docker run --rm --network alias=bar test true',
    'docker run --rm --network-alias x test true',
    'docker run --rm --network one --network host test true',
    'docker run --rm --network one --network one test true',
    'docker run --rm --network name=one,ip=10.9.0.9 --ip 10.9.0.8 test true',
    'docker run --rm --network host --link db test true',
    'docker run --rm --network bridge --link db:x:y test true',
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

  test('several networks, connected and disconnected', async () => {
    for (const [name, subnet] of [
      ['aa', '10.9.0.0/24'],
      ['bb', '10.10.0.0/24'],
    ])
      await same(`docker network create --subnet ${subnet ?? ''} ${name ?? ''}`);
    await same('docker run -d --name web --network bb --network-alias www -p 8080:80 test sleep 1000');
    await same('docker network connect --alias wa --ip 10.9.0.77 aa web');
    const addresses = 'docker exec web ip -4 -o address | cut -d: -f2 | cut -c1-40 | sort';
    const names = `docker inspect -f '{{range $n, $e := .NetworkSettings.Networks}}{{$n}} {{$e.Aliases}} {{$e.IPAddress}} {{$e.Gateway}} {{$e.DNSNames}};{{end}}' web`;
    const look = async (): Promise<void> => {
      await same(addresses);
      await same('docker exec web ip route | sed "s/ *$//" | sort');
      await same(names);
      await same('docker ps --format "{{.Names}} {{.Networks}}"');
    };
    await look();
    await same('docker network connect bb web');
    await same('docker network connect nope web');
    await same('docker network connect aa nope');
    await same('docker network connect host web');
    await same('docker network connect none web');
    await same('docker network disconnect host web');
    await same('docker network disconnect nope web');
    await same('docker network disconnect bb web');
    await look();
    await same('docker network disconnect bb web');
    await same('docker network rm aa');
    await same('docker restart -t 0 web');
    await look();
    await same('docker stop -t 0 web; docker network disconnect bb web; docker network connect bb web');
    await same('docker start web');
    await look();
    // Docker removes them in any order.
    await same('docker rm -f web; docker network prune -f | sort');
  });

  test('an internal network has no way out', async () => {
    await same('docker network create --internal --subnet 10.8.0.0/24 inner');
    await same('docker run --rm --network inner test ip route | sed "s/src.*//"');
    await same('docker network inspect -f "{{.Internal}}" inner');
    await same('docker network rm inner');
  });
});
