/**
 * What `--explain` prints can be typed: the commands of the network plan, pasted into bash with the indentation they
 * are printed with, wire a container as `apply` does, and the printed undo takes all of it back.
 */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { planBridgeEndpoint } from '../../runtime/network/plan.ts';
import type { FirewallBackend } from '../../runtime/network/types.ts';
import { renderCommand } from '../../runtime/plan/render.ts';
import type { HostStep } from '../../runtime/plan/step.ts';
import { createHost, HOST_ADDRESS, type TestHost } from '../support/host/host.ts';
import { bridgeEndpoint, bridgeNetwork } from '../support/wired-container.ts';

let host: TestHost;
beforeEach(async () => {
  host = await createHost();
});
afterEach(() => host.dispose());

const pasted = (commands: readonly string[]): string =>
  ['set -e', ...commands.map((command) => `    ${command.split('\n').join('\n      ')}`)].join('\n');

const undoing = (steps: readonly HostStep[]): readonly string[] =>
  [...steps].reverse().flatMap(({ undo }) => (undo.kind === 'command' ? [renderCommand(undo.command)] : []));

test.each(['nftables', 'iptables'] satisfies FirewallBackend[])('with %s', async (backend) => {
  const published = { hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, protocol: 'tcp' as const };
  const endpoint = bridgeEndpoint(bridgeNetwork(0), 2, backend, [published]);
  const steps = planBridgeEndpoint(endpoint);

  const done = await host.run(['bash', '-c', pasted(steps.map(({ command }) => renderCommand(command)))]);
  expect([done.exitCode, done.stderr]).toEqual([0, '']);
  const server = host.spawn(['busybox', 'nc', '-ll', '-p', '80', '-e', 'echo', 'hello'], {
    netns: endpoint.netns,
  });
  try {
    const answer = await host.waitFor(async () => {
      const { stdout } = await host.outside([
        'busybox',
        'timeout',
        '2',
        'busybox',
        'nc',
        HOST_ADDRESS,
        '8080',
      ]);
      return stdout.includes('hello') ? stdout : undefined;
    }, 'an answer through the published port');
    expect(answer.trim()).toBe('hello');
  } finally {
    server.kill();
    await server.exited;
  }

  const undone = await host.run(['bash', '-c', pasted(undoing(steps))]);
  expect([undone.exitCode, undone.stderr]).toEqual([0, '']);
  // A namespace is taken down in the background once its name is gone.
  await host.waitFor(
    async () => !(await host.run(['ip', '-o', 'link'])).stdout.includes(endpoint.hostVeth),
    'the veth pair to be gone',
  );
  expect((await host.run(['ip', 'netns', 'list'])).stdout.trim()).toBe('');
});
