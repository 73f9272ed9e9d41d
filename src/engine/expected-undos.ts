/** What the journal of a container that runs lists, worked out again: see undo-run.ts. */
import { cgroupDirectories, cgroupLayout } from '../../runtime/cgroup/detect.ts';
import { netnsName, netnsPath } from '../../runtime/network/names.ts';
import type { JournalEntry } from '../../runtime/plan/journal.ts';
import type { HostStep } from '../../runtime/plan/step.ts';
import { isBridged, type ContainerConfig, type NetworkState } from './spec/container.ts';
import { deriveNetwork } from './state/derived-state.ts';
import { cgroupsPath, type Paths } from './state/paths.ts';
import { planEarly } from './plans/early-plan.ts';
import { planAttachment } from './plans/run-plan.ts';
import type { Attachment } from './network/attachment.ts';
import { bridgeEndpoints } from './network/bridge-endpoints.ts';
import type { Run } from './run.ts';

export function expectedUndos(paths: Paths, run: Run): readonly JournalEntry[] {
  const { config } = run;
  const path = cgroupsPath(config);
  const attachment = attachmentOf(config, run.network ?? deriveNetwork(paths, config));
  const steps = planAttachment(attachment, config.spec.usernsMode === 'auto').flatMap(entryOf);
  return [
    ...planEarly(paths, config).flatMap(entryOf),
    ...steps.filter(({ id }) => !id.startsWith('port.publish')),
    ...cgroupDirectories(path, cgroupLayout()).map((directory): JournalEntry => ({
      id: `cgroup.create:${directory}`,
      undo: { kind: 'rmdir', path: directory },
    })),
    { id: 'process.start', undo: { kind: 'kill-cgroup', cgroupsPath: path } },
    ...steps.filter(({ id }) => id.startsWith('port.publish')),
  ];
}

/** Of a container that runs: what its network was planned from. */
export function attachmentOf(config: ContainerConfig, network: NetworkState | undefined): Attachment {
  const { id, spec } = config;
  const [endpoint, ...more] = bridgeEndpoints(config, network);
  if (isBridged(spec.network.mode) && endpoint !== undefined) {
    return { kind: 'bridge', endpoint, foreign: [], more };
  }
  const own = isBridged(spec.network.mode) || spec.network.mode === 'none';
  if (own) return { kind: 'none', netns: netnsName(id) };
  const shared = network?.netns ?? '';
  return { kind: 'shared', netnsPath: shared === '' ? undefined : netnsPath(shared) };
}

const entryOf = ({ id, undo }: HostStep): readonly JournalEntry[] =>
  undo.kind === 'command' ? [{ id, undo: undo.command }] : [];
