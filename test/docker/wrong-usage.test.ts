/** Commands that are refused: Docker's status, and what went wrong in the words its users know. */
import { expect, test } from '@jest/globals';
import { describeBesideDocker } from '../support/docker/beside-docker.ts';

describeBesideDocker('wrong usage', ({ same, both }) => {
  test.each([
    ...[
      '--foo',
      '-Z',
      '--memory',
      '--name "bad name"',
      '--name x',
      '--name a/b',
      '--rm=maybe',
      '-w relative',
    ],
    ...['-v /tmp:relative', '-v /tmp:/t:foo', '-v /tmp:/t:ro:rw', '--pull foo', '--pull never nosuch'],
    ...[
      '--mount type=bind,src=/nosuch,dst=/y',
      '--mount type=bind,dst=/y',
      '--mount type=foo,src=/tmp,dst=/y',
    ],
    ...['--mount src=a,dst=/y,foo=bar', '--mount type=bind,src=/tmp', '--mount type=bind,src=rel,dst=/t'],
    ...['--mount type=tmpfs,dst=/t,tmpfs-mode=xyz', '--mount type=bind,src=/tmp,dst=/t,readonly=maybe'],
    ...['-m 1k', '-m abc', '-m 6m --memory-swap 3m', '--memory-swap 200m', '-m 10m --memory-reservation 50m'],
    ...[
      '--cpus 100',
      '--cpus abc',
      '--cpuset-cpus 99',
      '--cpuset-cpus x',
      '--cpu-shares abc',
      '--pids-limit abc',
    ],
    ...['-p abc', '-p 99999:80', '-p 80:80/foo', '-p 1-2:1-3', '-p 1.2.3.400:80:80', '-p ""', '-p 80:'],
    ...['-p localhost:80:80', '-p 192.0.2.99:8080:80', '--network nosuch', '--network container:nosuch'],
    ...['--mac-address zz', '--dns foo', '--add-host foo', '--add-host foo:bar', '-e =x', '-e ""', "-l ''"],
    ...['--env-file /nosuch', '--label-file /nosuch', '--cap-add NOSUCH', '--security-opt seccomp=/nosuch'],
    ...['--ulimit foo=1', '--ulimit nofile=5:3', '--ulimit nofile', '--sysctl kernel.foo=1'],
    ...['--sysctl kernel.hostname=x', '--sysctl vm.swappiness=1', '--device /dev/null:/dev/x:q'],
    ...['--platform x', '--platform a/b/c/d', '--platform "linux/a b"'],
    ...['--oom-score-adj 2000', '--shm-size x', '--stop-timeout x', '--stop-signal FOO', "--entrypoint ''"],
    ...['-it', '-t -i=false'],
  ])('run %s', async (flags) => {
    const { exitCode } = await same(
      `docker run --rm ${flags} test ${flags.includes('--entrypoint') ? '' : 'true'}`,
    );
    expect(exitCode).toBeLessThan(126);
  });

  test.each([
    ...['run', 'run nosuchimage:x --pull never', 'create', 'start', 'stop', 'kill', 'rm', 'restart', 'logs'],
    ...[
      'logs a b',
      'inspect',
      'exec',
      'exec a',
      'wait',
      'port',
      'port a b c',
      'rename a',
      'attach',
      'attach a b',
    ],
    ...['rmi', 'history', 'tag a', 'tag a b c', 'pull', 'pull a b', 'save', 'images a b', 'ps a'],
    ...[
      'info a',
      'foo',
      '--foo',
      'ps --foo',
      'ps --filter foo=bar',
      'ps --filter foo',
      'ps --filter status=foo',
    ],
    ...['ps --filter before=nosuch', 'ps -n x', 'images --filter foo=bar', 'run -d -i -t --foo test'],
    ...[
      'start nosuch',
      'stop nosuch',
      'stop --time 1 nosuch',
      'stop -s TERM nosuch',
      'kill nosuch',
      'rm nosuch',
    ],
    ...[
      'rm -f nosuch',
      'rm -v nosuch',
      'restart nosuch nosuch2',
      'logs nosuch',
      'logs -f nosuch',
      'inspect nosuch',
    ],
    ...[
      'inspect --type container nosuch',
      'inspect --type foo nosuch',
      "inspect -f '{{' test",
      'exec nosuch ls',
    ],
    ...[
      "inspect -f '{{.Foo}}' test",
      "inspect -f '{{.Config.Foo}}' test",
      'exec -it nosuch sh',
      'wait nosuch',
    ],
    ...['port nosuch', 'rename nosuch a', 'attach nosuch', 'rmi nosuch', 'rmi -f nosuch', 'rmi test:nosuch'],
    ...[
      'history nosuch',
      'image inspect nosuch',
      'tag nosuch a',
      'container inspect nosuch',
      'image rm nosuch',
    ],
    ...['pull UPPER', 'run --rm UPPER', 'volume rm nosuch', 'start -ai nosuch', 'start -a a b'],
    ...['container run --rm --network nosuch test', 'save -o /nosuchdir/x test', 'run --rm 127.0.0.1:1/x'],
  ])('%s', async (words) => {
    // minidock has other words for a registry that does not exist.
    if (!words.includes('127.0.0.1')) {
      // Docker ends the line it could not print.
      await same(`docker ${words}`, (text) => text.trimStart());
      return;
    }
    const { docker, minidock } = await both(`docker ${words}`);
    expect(minidock.exitCode).toBe(docker.exitCode);
  });

  test.each([
    ['not found', 'nosuch', 127],
    ['not executable', '/etc/not-executable', 126],
    ['no path', '/nosuch/x', 127],
    ['an empty name', "''", 127],
  ])('a program that cannot be run: %s', async (_, program, status) => {
    const { docker, minidock } = await both(`docker run --rm test ${program}`);
    expect([docker.exitCode, minidock.exitCode]).toEqual([status, status]);
    if (program !== "''") expect(minidock.said).toBe(docker.said);
  });

  test('names in use, ports in use', async () => {
    await same('docker run -d --name used -p 8080:80 test sleep 1000 >/dev/null');
    for (const words of ['run --name used test', 'create --name used test', 'rename used used', 'rm used']) {
      const { docker, minidock } = await both(`docker ${words}`);
      expect({ words, status: minidock.exitCode }).toEqual({ words, status: docker.exitCode });
      expect(docker.said.startsWith(minidock.said.slice(0, 40))).toBe(true);
    }
    await same('docker run --rm -p 8080:80 test true');
    await same('docker rm -f used');
  });
});
