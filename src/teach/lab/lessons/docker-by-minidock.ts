/** Section D again, with one command. */
import type { LabHost, Lesson } from '../lesson.ts';
import { greets, ROOTFS, SERVER } from './docker-scenery.ts';
import { countIn } from './packets.ts';

/** Namespace, bridge, cable, addresses, NAT, published port. */
const NETWORK_STEPS = 22;

export const byMinidock: Lesson = {
  name: 'docker-by-minidock',
  group: 'docker',
  title: 'The same by one command that shows its steps',
  story:
    'Now let minidock do it, and watch. This lab has its own minidock with its own images; the image "page" holds ' +
    'what was in /srv/rootfs.',
  setup: [...ROOTFS, 'tar -C /srv/rootfs -c . | minidock import - page'],
  steps: [
    {
      id: 'run',
      title: 'One command',
      article: ['D:host to container', 'D:container to the world', 'D:the world to the container'],
      task:
        'Run a container called web of the image page, with port 8080 of the host published to its port 80, in the ' +
        `background; its program is "${SERVER}". With --step it waits before each step, and you see the state ` +
        'before and after: Enter does the step, s and Enter all that follow too. --explain shows them without ' +
        'waiting. The first 22 or so are the article’s.',
      hints: [
        '-d, --name, -p: as with Docker.',
        `minidock run --step -d --name web -p 8080:80 page ${SERVER}`,
      ],
      solution: [
        {
          command: `minidock run --step -d --name web -p 8080:80 page ${SERVER}`,
          answers: [...Array<string>(NETWORK_STEPS).fill(''), 's'],
          why: 'The sections have the names of the steps you did by hand. Enter at each step of the network, s at the first of what comes after it.',
        },
      ],
      requirements: [
        {
          text: 'the host gets the page of the container’s own address',
          holds: async (host) => {
            const format = '{{range.NetworkSettings.Networks}}{{.IPAddress}}{{end}}';
            const address = await inspected(host, format);
            return address !== '' && greets(host, `http://${address}/`);
          },
        },
        {
          text: 'outside gets it from http://203.0.113.2:8080/, and it is the container that serves it',
          holds: async (host) => {
            const before = await connectionsTaken(host);
            return (
              (await greets(host, 'http://203.0.113.2:8080/', 'outside')) &&
              (await connectionsTaken(host)) > before
            );
          },
        },
        {
          text: 'the container reaches 198.51.100.7',
          holds: async (host) =>
            (
              await host.run([
                'minidock',
                'exec',
                'web',
                '/bin/busybox',
                'ping',
                '-c',
                '1',
                '-W',
                '2',
                '198.51.100.7',
              ])
            ).status === 0,
        },
      ],
    },
    {
      id: 'remove',
      title: 'Remove it without a trace',
      task: 'Remove the container while it runs.',
      hints: ['minidock rm -f …'],
      solution: [
        {
          command: 'minidock rm -f web',
          why: 'minidock undoes the steps in reverse, as the journal lists them.',
        },
      ],
      requirements: [
        {
          text: 'there is no container web, nor one of the image page by another name',
          holds: async (host) =>
            (await host.run(['minidock', 'inspect', 'web'])).status !== 0 &&
            (await host.run(['minidock', 'ps', '-aq', '--filter', 'ancestor=page'])).stdout.trim() === '',
        },
        {
          text: 'port 8080 leads nowhere',
          holds: async (host) => !(await greets(host, 'http://203.0.113.2:8080/', 'outside')),
        },
      ],
    },
  ],
  epilogue:
    'Kubernetes builds on the same parts: a pod is one such namespace for several containers, a CNI plugin does the steps you did, a Service is a DNAT, a network policy a rule in FORWARD.',
};

const inspected = async (host: LabHost, format: string): Promise<string> =>
  (await host.run(['minidock', 'inspect', '-f', format, 'web'])).stdout.trim();

/** Of the container's network namespace; it has no name that the host knows. */
async function connectionsTaken(host: LabHost): Promise<number> {
  const pid = await inspected(host, '{{.State.Pid}}');
  const { stdout } = await host.run(['nsenter', '-t', pid, '-n', 'cat', '/proc/net/snmp']);
  return countIn(stdout, 'Tcp', 'PassiveOpens');
}
