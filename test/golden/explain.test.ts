/** What `--dry-run` prints for a container with a published port, in both firewalls, and of what PID 1 does in it. */
import { test } from '@jest/globals';
import type { CgroupLayout } from '../../runtime/cgroup/detect.ts';
import { planCgroup } from '../../runtime/cgroup/plan.ts';
import { planBridgeEndpoint } from '../../runtime/network/plan.ts';
import type { FirewallBackend } from '../../runtime/network/types.ts';
import { containerSteps } from '../../runtime/process/container-steps.ts';
import { buildBundle } from '../../src/engine/plans/bundle.ts';
import { renderDryRun } from '../../src/teach/explain/explain.ts';
import { throughExec } from '../../src/teach/explain/look.ts';
import { expectGolden } from '../support/golden.ts';
import { sampleConfig } from '../support/container-samples.ts';
import { bridgeEndpoint, bridgeNetwork } from '../support/wired-container.ts';

const cgroup: CgroupLayout = {
  version: 2,
  mount: '/sys/fs/cgroup',
  controllers: ['cpu', 'cpuset', 'memory', 'pids'],
  swap: true,
};
const bundle = buildBundle({
  config: sampleConfig(),
  paths: { root: '/var/lib/minidock', run: '/run/minidock' },
  cgroup,
  netnsPath: '/run/netns/md-978aaee6dbac',
  devices: [],
});

test.each(['nftables', 'iptables'] satisfies FirewallBackend[])('the network, with %s', (backend) => {
  const endpoint = bridgeEndpoint(bridgeNetwork(0), 2, backend, [
    { hostIp: '0.0.0.0', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
  ]);
  expectGolden(`explain-network-${backend}.txt`, renderDryRun(planBridgeEndpoint(endpoint)));
});

test('limits', () => {
  const { cgroupsPath, resources } = bundle.linux;
  expectGolden('explain-cgroup.txt', renderDryRun(planCgroup(cgroupsPath, resources, cgroup)));
});

test('what PID 1 does', () => {
  const steps = containerSteps(bundle, {
    cgroupProcs: [`/sys/fs/cgroup${bundle.linux.cgroupsPath}/cgroup.procs`],
  });
  expectGolden('explain-container.txt', renderDryRun(throughExec(steps, ['web'])));
});
