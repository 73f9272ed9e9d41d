/** `--explain` and `--dry-run` of `stop`, `kill` and `rm`. */
import { existsSync } from 'node:fs';
import type { Step } from '../../../runtime/plan/step.ts';
import type { StepTime } from '../../../runtime/plan/step-span.ts';
import { planRelease } from '../../engine/network/release-network.ts';
import { planStop, planUndo, type StopRequest } from '../../engine/plans/stop-plan.ts';
import { removeContainer, stillRunning } from '../../engine/lifecycle.ts';
import { stepsOfRemoval, volumesThatGo } from '../../engine/remove-container.ts';
import { endProgram, KILL, killContainer, planKill, stopRequest, type StopFlags } from '../../engine/stop.ts';
import { refuseStopped } from '../../engine/signal-process.ts';
import { undosOf } from '../../engine/undo-run.ts';
import { isActive } from '../../engine/spec/container.ts';
import { findContainer } from '../../engine/reconcile.ts';
import { stderr, stdout } from '../../io/standard-streams.ts';
import { containerRunDir } from '../../engine/state/paths.ts';
import type { Container, ContainerStore } from '../../engine/state/store.ts';
import { explainHow, type ExplainFlags } from './explain-flags.ts';
import { printSteps, sayNothing } from './step-printer.ts';
import { createLocalReporter } from './local-reporter.ts';

/** The name to print; nothing if nothing was done. */
export async function explainStop(
  store: ContainerStore,
  name: string,
  options: StopFlags,
  flags: ExplainFlags,
): Promise<string | undefined> {
  const container = await findContainer(store, name);
  const { status } = container.state;
  if (!isActive(container.state)) {
    const [output, how] = [flags.dryRun === true ? stdout : stderr, explainHow(flags) ?? 'full'];
    sayNothing(output, how, `container ${name} is not running (${status})`);
    return flags.dryRun === true ? undefined : name;
  }
  const request = stopRequest(container, options);
  const steps = await planLast(store, container, request);
  return tell(steps, name, flags, (onStep) => endProgram(store, container, request, onStep));
}

/** `name` is what the container was called by, and is printed. */
export async function explainKill(
  store: ContainerStore,
  {
    container,
    name,
    signal,
  }: { readonly container: Container; readonly name: string; readonly signal: number },
  flags: ExplainFlags,
): Promise<string | undefined> {
  refuseStopped(container);
  const ends = signal === KILL.signal;
  const steps = ends ? await planLast(store, container, KILL) : planKill(container, signal);
  return tell(steps, name, flags, (onStep) => killContainer(store, container, signal, onStep));
}

/** All that is done about one that runs: with --rm its files go too. */
const planLast = async (
  store: ContainerStore,
  container: Container,
  request: StopRequest,
): Promise<readonly Step[]> => [
  ...(await planEnd(store, container, request)),
  ...(container.config.spec.autoRemove ? planFiles(store, container, true) : []),
];

export async function explainRemoval(
  store: ContainerStore,
  name: string,
  options: { readonly force: boolean; readonly volumes: boolean },
  flags: ExplainFlags,
): Promise<string | undefined> {
  const container = await findContainer(store, name);
  const running = isActive(container.state);
  if (running && !options.force) throw stillRunning(container.config.name, container.state.status);
  const steps = [
    ...(await planEnd(store, container, KILL)),
    // With --rm its shim removes the container and its volumes.
    ...planFiles(store, container, options.volumes || (running && container.config.spec.autoRemove)),
  ];
  return tell(steps, name, flags, (onStep) => removeContainer(store, container, { ...options, onStep }));
}

/** Of one that does not run: what a killed run has left. */
async function planEnd(
  { paths }: ContainerStore,
  { config, state }: Container,
  request: StopRequest,
): Promise<readonly Step[]> {
  const ran = isActive(state);
  if (!ran && !existsSync(containerRunDir(paths, config.id))) return [];
  return [
    ...(ran ? planStop({ config, state }, request) : []),
    ...planUndo(await undosOf(paths, { config, ran, network: state.network })),
    ...planRelease(paths, config.id, state),
  ];
}

const planFiles = (
  store: ContainerStore,
  { config }: Container,
  volumes: boolean,
): ReturnType<typeof stepsOfRemoval> =>
  stepsOfRemoval(store, config, volumes ? volumesThatGo(store, config) : []);

async function tell(
  steps: readonly Step[],
  name: string,
  flags: ExplainFlags,
  act: (onStep: (step: StepTime) => void) => Promise<void>,
): Promise<string | undefined> {
  const how = explainHow(flags) ?? 'full';
  if (flags.dryRun === true) {
    await printSteps(steps, how);
    return undefined;
  }
  const reporter = await createLocalReporter(how);
  reporter.plan(steps);
  try {
    await act(reporter.done);
  } finally {
    // The next name has steps of the same ids.
    reporter.end();
  }
  return name;
}
