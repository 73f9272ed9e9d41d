/** A container's life, seen through every verb that lists, follows, enters or ends it. */
import { expect, test } from '@jest/globals';
import { describeBesideDocker } from '../support/docker/beside-docker.ts';

/** "5 seconds ago" depends on the moment; a port of the host's choosing on the host. */
const timeless = (text: string): string =>
  text
    .replace(/(Less than a|\d+) seconds?/g, 'N seconds')
    .replace(/(?<=:)[3-6]\d{4}\b/g, '<port>')
    .replace(/ {2,}/g, '  ');
const state =
  'docker inspect -f "{{.State.Status}} {{.State.Running}} {{.State.ExitCode}} {{.State.OOMKilled}}"';

describeBesideDocker('the life of a container', ({ same, both }) => {
  test('run, exit statuses, start again', async () => {
    await same(`docker run --name once test sh -c 'echo out; echo err >&2; exit 5'; echo $?; ${state} once;
      docker start -a once; echo $?; docker start once; docker wait once;
      docker ps -a --filter exited=5 --format {{.Names}}; docker rm once; docker wait once`);
  });

  test.each([
    ['by its own signal', "docker run --rm --init test sh -c 'kill -9 $$'; echo $?"],
    [
      'kill',
      'docker run --rm --name gone test sleep 100 & until docker kill gone 2>/dev/null; do :; done; wait $!; echo $?',
    ],
    [
      'stop with a signal it heeds',
      `docker run -d --name gone test sh -c 'trap "exit 7" TERM; touch /r; while :; do sleep 0.1; done' >/dev/null
      until docker exec gone ls /r 2>/dev/null; do :; done; docker stop gone; ${state} gone; docker rm gone`,
    ],
    [
      'stop with its own signal',
      `docker run -d --name gone --stop-signal USR1 test sh -c 'trap "exit 8" USR1; touch /r; while :; do sleep 0.1; done' >/dev/null
      until docker exec gone ls /r 2>/dev/null; do :; done; docker stop gone; ${state} gone; docker rm gone`,
    ],
    [
      'stop without patience',
      `docker run -d --name gone test sleep 1000 >/dev/null; docker stop -t 0 gone; docker stop gone; ${state} gone; docker rm gone`,
    ],
    [
      'kill of what is not running',
      'docker create --name gone test >/dev/null; docker kill gone; docker exec gone ls; docker rm gone',
    ],
    [
      'kill with no signal',
      'docker run -d --name gone test sleep 100 >/dev/null; docker kill -s FOO gone; docker rm -f gone',
    ],
    [
      'restart',
      `docker run -d --name gone test sleep 1000 >/dev/null; docker restart -t 0 gone; ${state} gone; docker start gone; docker rm gone; docker rm -f gone`,
    ],
    [
      'rm of what runs',
      'docker run -d --name gone test sleep 1000 >/dev/null; docker rm gone 2>/dev/null; echo $?; docker rm -f gone; docker rm -f gone',
    ],
    [
      'wait, several',
      `docker run -d --name a1 test sh -c 'exit 1' >/dev/null; docker run -d --name a2 test sh -c 'exit 2' >/dev/null; docker wait a1 a2 nosuch; docker rm a1 a2`,
    ],
  ])('ends: %s', async (_, script) => {
    const { stdout } = await same(script);
    expect(stdout).not.toBe('');
  });

  test('rename', async () => {
    await same(`docker create --name r1 test >/dev/null; docker create --name r2 test >/dev/null
      docker rename r1 r3; docker rename r3 r3; docker rename nosuch r4; docker ps -a --format {{.Names}} | sort; docker rm r3 r2`);
  });

  test('run: streams', async () => {
    await same(`docker run -i --rm test sh -c 'cat; echo end' <<<abc; docker run --rm test cat <<<abc
      docker run --rm -a stdin -i test cat <<<abc; docker run --rm -a stdout -a stdin -i test cat <<<abc
      docker run --rm -a stderr test sh -c 'echo out; echo err >&2' 2>&1; docker run --rm test sh -c 'echo out >&2' 2>/dev/null
      docker create --name piped -i test cat >/dev/null; echo foo | docker start -ai piped; docker rm piped`);
  });

  test('run: ids in files, booleans with values, double dashes', async () => {
    await same(`docker run --cidfile $DIR/cid --rm test true; wc -c <$DIR/cid; docker run --cidfile $DIR/cid --rm test true 2>/dev/null; echo $?
      docker run --rm -- test echo hi; docker run --rm test echo --rm -it; docker run --rm=false --name kept test true; docker rm kept
      docker run --rm=true -i=false test echo ok; docker run -di --rm --name kept test cat | wc -c; docker rm -f kept`);
  });

  test('logs --details', async () => {
    await same(`docker run --log-driver json-file --label 'a=one two' --label b=2 -e ENV_A=x=y -e other=1 --name detailed \\
        --log-opt labels=a,none --log-opt env-regex=^ENV_ --log-opt tag={{.Name}}/{{.ImageName}} test sh -c 'echo one; printf two'
      docker logs --details detailed; docker logs --details detailed | wc -c; docker inspect -f '{{json .HostConfig.LogConfig}}' detailed
      docker rm detailed`);
  });

  test('logs', async () => {
    const script = "'echo out1; sleep .1; echo err1 >&2; sleep .1; echo out2; sleep .1; printf partial'";
    await same(`docker run -d --name logged test sh -c ${script} >/dev/null; docker wait logged`);
    for (const flags of [
      '',
      '--tail 1',
      '--tail 0',
      '--tail all',
      '-n 2',
      '--tail -1',
      '-t',
      '-f',
      '-f --tail 1',
    ]) {
      await same(`docker logs ${flags} logged`);
      await same(`docker logs ${flags} logged 2>&1 >/dev/null`);
    }
    for (const time of [
      '1h',
      '2h30m',
      '0',
      '946684800',
      '946684800.5',
      '2000-01-01',
      '2000-01-01T00:00:00Z',
    ]) {
      await same(`docker logs --since ${time} logged; docker logs --until ${time} logged`);
    }
    await same('docker logs --since x logged');
    await same('docker logs --until 12:00 logged');
    await same('docker rm logged');
    await same(
      `docker run -dt --name logged test sh -c 'echo out; echo err >&2' >/dev/null; docker wait logged; docker logs logged | od -c; docker rm logged`,
    );
  });

  test('exec', async () => {
    await same('docker run -d --name in -h box -e X=1 test sleep 1000 >/dev/null');
    for (const words of [
      "in sh -c 'id; env; pwd'",
      "-e Y=2 -w /tmp -u app in sh -c 'id; env; pwd'",
      'in grep -e Cap -e Sec -e NoNew /proc/self/status',
      '-u app in grep -e Cap -e Sec -e NoNew /proc/self/status',
      '--privileged in grep -e Cap -e NoNew /proc/self/status',
      '--privileged -u app in grep -e Cap -e NoNew /proc/self/status',
      "in sh -c 'exit 9'",
      "in sh -c 'kill -9 $$'",
      'in cat /proc/self/cgroup',
      '-t in tty',
      '--foo in true',
      '-it in true',
    ]) {
      await same(`docker exec ${words} </dev/null`, (text) => text.replace(/pts\/\d/, 'pts/N'));
    }
    await same(
      'echo hi | docker exec -i in cat; echo hi | docker exec in cat; docker exec -d in touch /made; until docker exec in ls /made 2>/dev/null; do :; done',
    );
    for (const words of ['in /etc', '-w /nosuch in pwd', 'in /etc/not-executable']) {
      const { docker, minidock } = await both(`docker exec ${words}`);
      expect([docker.exitCode, minidock.exitCode]).toEqual([126, 126]);
    }
    await same('docker rm -f in');
  });

  test('ps and its filters', async () => {
    await same(
      'docker run --name seen -d -l a=b -l c test sleep 100 >/dev/null; docker create --name fresh -v vol:/v configured >/dev/null',
    );
    for (const words of [
      ...[
        '',
        '-a',
        '-q | wc -l',
        '-a --no-trunc',
        '-n 1',
        '-l',
        '-aq --no-trunc | wc -c',
        '-n 0 -q | wc -l',
        '--last 1',
      ],
      ...[
        '--format json',
        '-a --format "{{json .}}"',
        "-a --format 'table {{.Names}}\\t{{.Ports}}\\t{{.Mounts}}'",
      ],
      ...[
        '-a --format \'{{.Names}} {{.Image}} {{.Command}} {{.State}} {{.Networks}} {{.LocalVolumes}} {{.Labels}} {{.Label "a"}}\'',
      ],
      ...[
        '-f label=a',
        '-f label=a=b',
        '-f label=a=x',
        '-f status=running',
        '-a -f status=created',
        '-f ancestor=test',
      ],
      ...[
        '-af ancestor=configured',
        '-f network=bridge',
        '-f network=none',
        '-f since=fresh',
        '-af before=fresh',
      ],
      ...[
        '-af volume=vol',
        '-af volume=/v',
        '-f name=^seen$',
        '-f name=/seen',
        '-f name=seen -f name=nosuch',
      ],
      ...['-f name=seen -f label=nosuch', '-f id=$(docker ps -q | cut -c1-4)', '-f exited=0', '-f nosuch=1'],
      ...["--format '{{.Foo}}'", "--format '{{'"],
    ]) {
      const { docker, minidock } = await both(`docker ps ${words}`);
      const shown = (text: string): string =>
        timeless(text)
          .replace('c=,a=b', 'a=b,c=')
          .replace(/\b[0-9a-f]{14}…/g, '<volume>…')
          .replace('vol,<volume>…', '<volume>…,vol')
          // Both stand in the order of a Go map.
          .replace(/(?<="(?:Labels|Mounts)":")[^"]*/g, (list) => list.split(',').sort().join(','));
      expect({ words, stdout: shown(minidock.stdout), exitCode: minidock.exitCode }).toEqual({
        words,
        stdout: shown(docker.stdout),
        exitCode: docker.exitCode,
      });
    }
    await same('docker rm -fv seen fresh; docker volume ls -q; docker volume rm vol');
  });

  test('published ports', async () => {
    const flags = '-p 8080:80 -p 127.0.0.1:9000-9001:90-91/udp -p 77 --expose 99';
    await same(`docker run -d --name open ${flags} test sleep 1000 >/dev/null`);
    for (const words of [
      'port open',
      'port open 80',
      'port open 80/tcp',
      'port open 90/udp',
      'port open 77',
      "ps --format '{{.Ports}}'",
      'ps -qf publish=8080 | wc -l',
      'ps -qf publish=80 | wc -l',
      'ps -qf expose=80 | wc -l',
      'ps -qf expose=99/tcp | wc -l',
      'ps -qf publish=9000/udp | wc -l',
      'ps -qf publish=9000 | wc -l',
      'ps -qf publish=8000-8090 | wc -l',
      "inspect -f '{{json .HostConfig.PortBindings}} {{json .Config.ExposedPorts}}' open",
    ]) {
      await same(`docker ${words}`, timeless);
    }
    await same('docker rm -f open');
    await same(
      'docker run -d -P --name open --entrypoint sleep configured 100 >/dev/null; docker port open; docker rm -fv open',
      timeless,
    );
  });

  test('volumes', async () => {
    const list = "stat -c '%n %a %u %g %s' /volume /volume/from-image /volume/below/deep";
    await same(`docker run --rm -v named:/volume test ${list}; docker run --rm -v named:/new test stat -c '%a %u %g' /new
      docker run --rm -v bare:/volume:nocopy test ls /volume; docker volume ls -q | grep -v '.\\{60\\}' | sort; docker volume rm named bare
      docker run -v /anon --name v1 test sh -c 'echo hi >/anon/f'; docker inspect -f '{{range .Mounts}}{{.Type}} {{.Destination}} {{.Driver}} {{.Mode}} {{.RW}} {{.Propagation}}{{end}}' v1
      docker rm -v v1; docker volume ls -q | wc -l; docker run --rm -v $DIR/made:/y test ls /y; stat -c %a made
      docker run --rm -v /usr:/t:ro test touch /t/x; docker run --rm -v /tmp:/t -v /tmp:/t test ls -d /t; docker volume ls -q | wc -l`);
  });

  test('another container’s network', async () => {
    await same(`docker run -d --name base -h base test sleep 1000 >/dev/null
      docker run --rm --network container:base test sh -c 'hostname; grep -c 172 /etc/hosts; ip a | grep -c eth0:'`);
    await same('docker run --rm --network container:base -p 1:1 test true');
    await same('docker run --rm --network container:base -h x test true');
    await same('docker rm -f base');
  });
});
