/** The flags that `run` and `create` share, with Docker's names, and their way into a CreateRequest. */
import { Option, type Command } from 'commander';
import { attachmentRequests } from '../../engine/spec/attachment-flags.ts';
import type { ContainerFlags, CreateRequest } from '../../engine/spec/create-request.ts';
import { invalidArgument } from '../../engine/spec/flag-errors.ts';
import { defineLimitFlags } from './limit-flags.ts';
import { collect } from './verb.ts';

export function defineContainerFlags(command: Command): void {
  command
    .option('--name <string>', 'Assign a name to the container')
    .option('--entrypoint <string>', 'Overwrite the default ENTRYPOINT of the image')
    .option('-e, --env <list>', 'Set environment variables', collect)
    .option('--env-file <list>', 'Read in a file of environment variables', collect)
    .option('-w, --workdir <string>', 'Working directory inside the container')
    .option('-u, --user <string>', 'Username or UID (format: <name|uid>[:<group|gid>])')
    .option('--group-add <list>', 'Add additional groups to join', collect)
    .option('-v, --volume <list>', 'Bind mount a volume', collect)
    .option('--volumes-from <list>', 'Mount volumes from the specified container(s)', collect)
    .option('--mount <mount>', 'Attach a filesystem mount to the container', collect)
    .option('--tmpfs <list>', 'Mount a tmpfs directory', collect)
    .option('--read-only', "Mount the container's root filesystem as read only")
    .option('-l, --label <list>', 'Set meta data on a container', collect)
    .option('--label-file <list>', 'Read in a line delimited file of labels', collect)
    .option('--cap-add <list>', 'Add Linux capabilities', collect)
    .option('--cap-drop <list>', 'Drop Linux capabilities', collect)
    .option('--privileged', 'Give extended privileges to this container')
    .option(
      '--userns <string>',
      'User namespace to use: host, or auto for users of its own (MINIDOCK_USERNS)',
    )
    .option('--pid <string>', 'PID namespace to use: host or container:NAME')
    .option('--ipc <string>', 'IPC mode to use: private, shareable, none, host or container:NAME')
    .option('--uts <string>', 'UTS namespace to use: host')
    .option('--cgroupns <string>', 'Cgroup namespace to use: private or host')
    .option('--cgroup-parent <string>', 'Optional parent cgroup for the container')
    .option('--annotation <map>', 'Add an annotation to the container (OCI runtime)', collect)
    .option('--security-opt <list>', 'Security options: seccomp=FILE|unconfined, no-new-privileges', collect)
    .option('--init', 'Run an init inside the container that forwards signals and reaps processes')
    .option('-i, --interactive', 'Keep STDIN open even if not attached')
    .option('-t, --tty', 'Allocate a pseudo-TTY')
    .option('-a, --attach <list>', 'Attach to STDIN, STDOUT or STDERR', collect)
    .option('--rm', 'Automatically remove the container and its anonymous volumes when it exits')
    .option('--restart <string>', 'Restart policy to apply when a container exits')
    .option('--health-cmd <string>', 'Command to run to check health')
    .option('--health-interval <duration>', 'Time between running the check (ms|s|m|h) (default 30s)')
    .option('--health-timeout <duration>', 'Maximum time to allow one check to run (ms|s|m|h) (default 30s)')
    .option('--health-retries <int>', 'Consecutive failures needed to report unhealthy (default 3)')
    .option(
      '--health-start-period <duration>',
      'Start period for the container to initialize before starting health-retries countdown (ms|s|m|h)',
    )
    .option(
      '--health-start-interval <duration>',
      'Time between running the check during the start period (ms|s|m|h) (default 5s)',
    )
    .option('--no-healthcheck', 'Disable any container-specified HEALTHCHECK')
    .option('-p, --publish <list>', "Publish a container's port(s) to the host", collect)
    .option('-P, --publish-all', 'Publish all exposed ports to random ports')
    .option('--expose <list>', 'Expose a port or a range of ports', collect)
    .option(
      '--network <network>',
      'Connect a container to a network: bridge, none, host, container:NAME, or any number of `network create`',
      collect,
    )
    .addOption(new Option('--net <network>').argParser(collect).hideHelp())
    .option('--network-alias <list>', 'Add network-scoped alias for the container', collect)
    .addOption(new Option('--net-alias <list>').argParser(collect).hideHelp())
    .option('--link <list>', 'Add a name for another container: NAME or NAME:ALIAS', collect)
    .option('--ip <string>', 'IPv4 address (e.g., 172.17.0.100)')
    .option('--ip6 <string>', 'IPv6 address (e.g., 2001:db8::33)')
    .option('--mac-address <string>', 'Container MAC address (e.g., 92:d0:c6:0a:29:33)')
    .option('--dns <list>', 'Set custom DNS servers', collect)
    .option('--dns-search <list>', 'Set custom DNS search domains', collect)
    .option('--dns-option <list>', 'Set DNS options', collect)
    .addOption(new Option('--dns-opt <list>').argParser(collect).hideHelp())
    .option('--add-host <list>', 'Add a custom host-to-IP mapping (host:ip)', collect)
    .option('-h, --hostname <string>', 'Container host name')
    .option('--domainname <string>', 'Container NIS domain name')
    .option('--shm-size <bytes>', 'Size of /dev/shm')
    .option('--ulimit <ulimit>', 'Ulimit options', collect)
    .option('--sysctl <map>', 'Sysctl options', collect)
    .option('--device <list>', 'Add a host device to the container', collect)
    .option('--oom-score-adj <int>', "Tune host's OOM preferences (-1000 to 1000)")
    .option('--log-driver <string>', 'Logging driver for the container: local, json-file or none')
    .option(
      '--log-opt <list>',
      'Log driver options: max-size, max-file; json-file: labels, env, tag',
      collect,
    )
    .option('--stop-signal <string>', 'Signal to stop the container')
    .option('--stop-timeout <int>', 'Timeout (in seconds) to stop a container')
    .option('--platform <string>', 'Platform of the image, e.g. linux/amd64')
    .option('--pull <string>', 'Pull image before creating ("always", "missing", "never")', 'missing')
    .option('-q, --quiet', 'Suppress the pull output')
    .option('--cidfile <string>', 'Write the container ID to the file')
    .option('--firewall <backend>', 'Firewall tool: nftables or iptables (MINIDOCK_FIREWALL)');
  defineLimitFlags(command);
}

export function toCreateRequest(
  image: string,
  args: readonly string[],
  flags: ContainerFlags,
  detached: boolean,
): CreateRequest {
  const given = withoutEmpty(flags);
  const attachments = asksForNetworks(given) ? attachmentRequests(given) : undefined;
  return {
    image,
    args,
    ...withoutNetworks(given),
    ...attachedStreams(given, detached),
    ...(attachments === undefined ? {} : { network: attachments[0].target, attachments }),
  };
}

/** Flags whose empty value counts as absent, as in Docker (an unset shell variable, for example). */
const NOT_GIVEN_IF_EMPTY = [
  ...['name', 'restart', 'hostname', 'domainname', 'user', 'workdir', 'stopSignal', 'platform', 'cidfile'],
  ...['ip', 'ip6', 'macAddress', 'userns'],
];

const withoutEmpty = (flags: ContainerFlags): ContainerFlags =>
  Object.fromEntries(
    Object.entries(flags).filter(([flag, value]) => value !== '' || !NOT_GIVEN_IF_EMPTY.includes(flag)),
  );

const asksForNetworks = ({ network = [], net = [], networkAlias = [], link = [] }: ContainerFlags): boolean =>
  [...network, ...net].some((value) => value !== '') || networkAlias.length + link.length > 0;

/** The lists of flags, of which the request has what they mean. */
function withoutNetworks(flags: ContainerFlags): Omit<ContainerFlags, 'network' | 'net'> {
  const { network, net, ...rest } = flags;
  void [network, net];
  return rest;
}

function attachedStreams(
  flags: ContainerFlags,
  detached: boolean,
): Pick<CreateRequest, 'attachStdin' | 'attachStdout' | 'attachStderr'> {
  const named = (flags.attach ?? []).map((stream) => stream.toLowerCase());
  const unknown = named.findIndex((stream) => !['stdin', 'stdout', 'stderr'].includes(stream));
  if (unknown >= 0) {
    const reason = 'valid streams are STDIN, STDOUT and STDERR';
    throw invalidArgument(flags.attach?.[unknown] ?? '', '-a, --attach', reason);
  }
  if (named.length > 0) {
    return {
      attachStdin: named.includes('stdin'),
      attachStdout: named.includes('stdout'),
      attachStderr: named.includes('stderr'),
    };
  }
  const attach = !detached;
  return { attachStdin: attach && flags.interactive === true, attachStdout: attach, attachStderr: attach };
}
