/** `--dry-run`: prints the steps on stdout and does none of them. */
import { MinidockError } from '../../../runtime/errors.ts';
import { printable } from '../../../runtime/printable.ts';
import type { ContainerConfig } from '../../engine/spec/container.ts';
import {
  execSteps,
  newExecDir,
  planExec,
  requireRunning,
  type ExecOptions,
} from '../../engine/plans/exec-plan.ts';
import { planRequested } from '../../engine/network/network-create.ts';
import type { NetworkRequest } from '../../engine/network/network-request.ts';
import { peekPorts, previewNetwork } from '../../engine/network/preview-network.ts';
import { allSteps } from '../../engine/plans/run-plan.ts';
import { readCdi } from '../../engine/cdi/effective.ts';
import { computeRun } from '../../engine/plans/prepare.ts';
import { idsDir, type Paths } from '../../engine/state/paths.ts';
import { stderr } from '../../io/standard-streams.ts';
import { peekIds } from '../../../runtime/process/identity/id-ranges.ts';
import type { Container, ContainerStore } from '../../engine/state/store.ts';
import type { ExplainHow } from './how.ts';
import { sameAs, throughExec } from './look.ts';
import { printSteps } from './step-printer.ts';

/** What `run` would do now, for a container that is not there yet. */
export async function printRun(
  store: ContainerStore,
  config: ContainerConfig,
  how: ExplainHow,
): Promise<void> {
  const taken = config.name === '' ? undefined : store.names.refusalOf(config.name);
  if (taken !== undefined) tellRefusal(taken);
  await printDryRun(store, config, how);
}

/** What the start of this container would do now. It creates, leases and reserves nothing. */
export async function printDryRun(
  store: ContainerStore,
  config: ContainerConfig,
  how: ExplainHow,
): Promise<void> {
  const { ports, refusal } = peekPorts(store.paths, config);
  if (refusal !== undefined) tellRefusal(refusal);
  const attachment = await previewNetwork(store, config, ports).catch((error: unknown) => {
    if (!(error instanceof MinidockError) || error.code !== 'ADDRESS_IN_USE') throw error;
    tellRefusal(error);
    return previewNetwork(store, config, ports, true);
  });
  const firstId = config.spec.usernsMode === 'auto' ? peekIds(idsDir(store.paths), config.id) : undefined;
  const { findJoined } = await import('../../engine/joined.ts');
  const joined = findJoined(store, config);
  const { planEarly } = await import('../../engine/plans/early-plan.ts');
  const early = planEarly(store.paths, config);
  const { plan } = computeRun(store.paths, config, attachment, {
    ...{ firstId, joined, early, withCdi: await readCdi(config) },
  });
  await printSteps(throughExec(allSteps(plan), [config.name === '' ? 'NAME' : config.name]), how);
}

/** A port, name or address that is in use does not change the steps: a note on stderr says so. */
function tellRefusal({ message, hint = '' }: MinidockError): void {
  stderr.write(`Note: this would fail now: ${printable(message)}\n`);
  if (hint !== '') stderr.write(`${printable(hint)}\n`);
}

/** What `network create` would do now; the next run uses other names. @throws what createNetwork throws. */
export async function printNetwork(paths: Paths, request: NetworkRequest, how: ExplainHow): Promise<void> {
  await printSteps((await planRequested(paths, request)).steps, how);
}

/** What `exec` would do now. @throws MinidockError 'NOT_RUNNING'. */
export async function printExec(
  paths: Paths,
  container: Container,
  options: ExecOptions,
  how: ExplainHow,
): Promise<void> {
  requireRunning(container);
  const steps = await execSteps(await planExec(paths, container, options, newExecDir(paths, container)));
  await printSteps(throughExec(steps, sameAs(container, options)), how);
}
