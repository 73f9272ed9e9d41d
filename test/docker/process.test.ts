/** What a program in a container finds: user, environment, privileges, mounts, devices, limits, files, names. */
import { expect, test } from '@jest/globals';
import { describeBesideDocker } from '../support/docker/beside-docker.ts';

const PRIVILEGED = '--privileged $DOCKER_ONLY';

describeBesideDocker('the process', ({ same, both }) => {
  test.each([
    ['the environment', 'docker run --rm -h box test env'],
    [
      'flags before the image’s',
      'docker run --rm -h box -e A=b -e COLOUR=red --entrypoint env configured | sort',
    ],
    ['PATH may be set', 'docker run --rm -h box -e B=2 -e A=1 -e PATH=/bin test env | sort'],
    ['an exported variable', 'export E=x; docker run --rm -h box -e E -e NOT_SET test env'],
    ['a user’s home', 'docker run --rm -h box -u app test env'],
    ['a terminal', 'docker run --rm -h box -t test sh -c "env; tty; stty -a"'],
    ['a number as user', 'docker run --rm -u 1234 test sh -c "id; echo $HOME"'],
    ['groups of a user', 'docker run --rm -u lone test id; docker run --rm -u app:wheel test id'],
    ['more groups', 'docker run --rm -u 1000:50 --group-add wheel --group-add 77 test id'],
    ['odd users', 'for u in "" :50 0:app 1000:1000 lone:; do docker run --rm -u "$u" test id; done'],
    ['the image’s user', 'docker run --rm --entrypoint id configured'],
    ['limits and umask', 'docker run --rm test sh -c "ulimit -a; umask"'],
    [
      '--ulimit',
      'docker run --rm --ulimit nofile=100:200 --ulimit core=0 test sh -c "ulimit -a; ulimit -Hn"',
    ],
    ['/dev', 'docker run --rm test ls -l /dev /dev/pts /dev/shm | sed "s/ ... .. ..:.. / /"'],
    ['/dev with a terminal', 'docker run --rm -t test ls -l /dev /dev/pts | sed "s/ ... .. ..:.. / /"'],
    ['--device', 'docker run --rm --device /dev/null:/dev/zilch:r test stat -c "%n %a %t %T" /dev/zilch'],
    ['the cgroup', 'docker run --rm test cat /proc/1/cgroup'],
    ['processes', 'docker run --rm test ps -o pid,args'],
    [
      '/proc/1',
      'docker run --rm test sh -c "cat /proc/self/oom_score_adj; tr \\\\0 . </proc/1/cmdline; ls /proc/1/fd"',
    ],
    ['--oom-score-adj', 'docker run --rm --oom-score-adj 100 test cat /proc/self/oom_score_adj'],
    ['-w makes the directory', 'docker run --rm -u app -w /a/b test stat -c "%n %a %u" . /a'],
    ['-w empty and unclean', 'docker run --rm -w "" test pwd; docker run --rm -w /tmp/../etc test pwd'],
    [
      '--shm-size, --tmpfs',
      'docker run --rm --shm-size 1m --tmpfs /t:exec,size=64k test sh -c "df -k /dev/shm /t; grep ^tmpfs./t /proc/mounts"',
    ],
    ['tmpfs over a directory', 'docker run --rm --tmpfs /volume test stat -c "%a %u %g" /volume'],
    [
      'tmpfs with a mode',
      'docker run --rm --mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700 test sh -c "grep ^tmpfs./t /proc/mounts; stat -c %a /t"',
    ],
    ['routes', 'docker run --rm test ip route'],
    ['the host’s cgroups', 'docker run --rm -v /sys/fs/cgroup:/sys/fs/cgroup:ro test ls /sys/fs/cgroup'],
    [
      'a cgroup hierarchy of the host',
      'cd /sys/fs/cgroup; for h in memory systemd; do [ ! -e $h ] || docker run --rm -v $PWD/$h:$PWD/$h:ro test ls $PWD/$h; done | grep cgroup.procs; echo done',
    ],
    ['/etc/mtab', 'docker run --rm test readlink /etc/mtab'],
    [
      '--read-only',
      'docker run --rm --read-only test sh -c "exec 2>&1; touch /x; touch /etc/hosts; touch /etc/hostname; touch /dev/shm/x && echo shm"',
    ],
  ])('%s', async (_, script) => {
    expect((await same(script)).stdout).not.toBe('');
  });

  test.each([
    ['private', '$DIR/p:/y:rslave'],
    ['private', '$DIR/p:/y:slave'],
    ['private', '$DIR/p:/y:rshared'],
    ['private', '$DIR/p/sub:/y:rslave'],
    ['private', '/:/y:rslave'],
    ['private', 'vol:/y:rslave'],
    ['private', '$DIR/p:/y:rprivate'],
    ['shared', '$DIR/p/sub:/y:rslave'],
  ])('propagation of a %s mount, -v %s', async (kind, volume) => {
    const mount = `mkdir -p p/sub; mount --bind p p; mount --make-${kind} p`;
    await same(`${mount}; docker run --rm -v "${volume}" test echo fine; status=$?; umount p; exit $status`);
  });

  test.each([
    ['by default', ''],
    ['of another user', '-u app --cap-add NET_ADMIN'],
    ['dropped', '--cap-drop ALL --cap-add CHOWN'],
    ['all but one', '--cap-add all --cap-drop cap_sys_admin'],
    ['added and dropped', '--cap-add net_admin --cap-drop net_admin'],
    ['no-new-privileges', '--security-opt no-new-privileges'],
    ['no seccomp', '--security-opt seccomp=unconfined'],
    ['privileged', PRIVILEGED],
    ['privileged, for another user', `${PRIVILEGED} -u app`],
  ])('privileges: %s', async (_, flags) => {
    await same(
      `docker run --rm ${flags} test grep -e ^Cap -e ^NoNew -e ^Seccomp -e ^Sig[BI] -e ^Umask /proc/self/status`,
    );
  });

  test('settings of the kernel', async () => {
    const files =
      'net/ipv4/ip_unprivileged_port_start net/ipv4/ping_group_range net/ipv4/ip_forward kernel/hostname ' +
      'kernel/domainname kernel/shmmax kernel/msgmax fs/mqueue/msg_max net/core/somaxconn';
    const script = `'cd /proc/sys; for f in ${files}; do echo $f $(cat $f); done'`;
    const { stdout } = await same(
      `docker run --rm -h box --sysctl net.core.somaxconn=77 test sh -c ${script}`,
    );
    expect(stdout).toContain('net/core/somaxconn 77');
  });

  // In the order of their paths: Docker's own order of tmpfs changes from run to run.
  test.each([
    ['by default', ''],
    [
      'read-only, with binds, a volume and tmpfs',
      '--read-only --tmpfs /t --tmpfs /u:size=1m,mode=1700 -v /usr:/x:ro -v vol:/vv',
    ],
    ['privileged', PRIVILEGED],
    ['systempaths=unconfined', '--security-opt systempaths=unconfined'],
  ])('mounts: %s', async (_, flags) => {
    const script = `docker run --rm ${flags} test awk '{ print $2, $3, $4 }' /proc/mounts | sort`;
    const { stdout } = await same(script, (text) =>
      text
        .split('\n')
        // What overlayfs is made of; masks that later versions of Docker have too; the top of v1's hierarchies.
        .filter(
          (line) =>
            !/^(\/ overlay|\/proc\/interrupts|\/sys\/devices\/virtual\/powercap|\/sys\/fs\/cgroup tmpfs)/.test(
              line,
            ),
        )
        .join('\n'),
    );
    expect(stdout).toContain('/proc proc rw');
  });

  test.each([
    ['by default', '-h box'],
    ['a full name', '-h box.example.com'],
    ['a domain', '-h box --domainname example.com'],
    [
      'hosts and resolvers',
      '-h box --add-host a:1.2.3.4 --add-host b:host-gateway --dns 192.0.2.1 --dns-search x.y --dns-opt ndots:3',
    ],
    ['no network', '-h box --network none'],
    ['the host’s network', '--network host'],
  ])('names: %s', async (_, flags) => {
    await same(
      `docker run --rm ${flags} test sh -c 'cat /etc/hosts /etc/hostname /etc/resolv.conf; hostname'`,
      // fe00::0 in this version of Docker, fe00:: in later ones; remarks in resolv.conf.
      (text) =>
        text
          .replace(/^(f[ef]00::)0/gm, '$1')
          .replace(/^(#.*)?\n/gm, '')
          .replace(/172\.N\.0\.\d+/g, '172.N.0.x'),
    );
  });

  test('limits, as the cgroup has them', async () => {
    const script =
      'cd /sys/fs/cgroup; cat memory/memory.limit_in_bytes memory/memory.memsw.limit_in_bytes ' +
      'memory/memory.soft_limit_in_bytes cpu/cpu.cfs_quota_us cpu/cpu.shares cpuset/cpuset.cpus pids/pids.max ' +
      'memory.max memory.swap.max memory.low cpu.max cpu.weight cpuset.cpus pids.max 2>/dev/null; nproc';
    const flags =
      '-m 64m --memory-reservation 32m --cpus 0.5 --cpu-shares 77 --cpuset-cpus 0 --pids-limit 55';
    const { stdout } = await same(`docker run --rm ${flags} test sh -c '${script}'`);
    expect(stdout).toContain('67108864');
  });

  test('--init', async () => {
    const { docker, minidock } = await both('docker run --rm --init test ps -o args');
    expect(minidock.stdout).toBe(docker.stdout);
    await same('docker run --rm --init test sh -c "kill -TERM \\$\\$"');
  });
});
