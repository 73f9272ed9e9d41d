/** `--explain` and `--dry-run` of `push`. A dry run asks the registry what it has, and sends nothing. */
import type { PushEvent } from '../../../images/push.ts';
import type { PushTasks } from '../../../images/push-tasks.ts';
import type { Reference } from '../../../images/reference.ts';
import type { Answered } from '../../../images/registry/session.ts';
import type { HostStep, StepId } from '../../../runtime/plan/step.ts';
import type { Engine } from '../../engine/engine.ts';
import { planRequests, type RequestStep } from '../../engine/plans/pull-plan.ts';
import {
  CONFIG_PUSH,
  MANIFEST_PUSH,
  NOTE_STEP,
  planPushSteps,
  pushStepId,
} from '../../engine/plans/push-plan.ts';
import type { Paths } from '../../engine/state/paths.ts';
import { pushByName, type PushByNameOptions, type PushWatch } from '../../engine/registry/push.ts';
import type { ExplainHow } from './how.ts';
import { printSteps } from './step-printer.ts';
import { createLocalReporter, type LocalReporter } from './local-reporter.ts';

export async function explainPush(
  engine: Engine,
  name: string,
  options: PushByNameOptions,
  how: ExplainHow,
): Promise<void> {
  const reporter = await createLocalReporter(how);
  const watch = (reference: Reference): PushWatch => {
    const answers: Answered[] = [];
    const layers = new Layers(reporter);
    return {
      onAnswer: (answered) => void answers.push(answered),
      onPlanned: (tasks) => {
        const { requests, steps } = planAll(engine.paths, reference, answers, tasks);
        reporter.plan(steps);
        for (const { step, answered } of requests)
          reporter.done({ id: step.id, ms: answered.ms, outcome: 'done' });
      },
      onEvent: (event) => layers.receive(event),
      onSent: (what, outcome) => {
        const ms = layers.sinceLast();
        reporter.done({ id: what === 'config' ? CONFIG_PUSH : MANIFEST_PUSH, ms, outcome });
        if (what === 'manifest') reporter.done({ id: NOTE_STEP, ms: layers.sinceLast(), outcome: 'done' });
      },
    };
  };
  try {
    await pushByName(engine, name, { ...options, watch });
  } finally {
    reporter.end();
  }
}

export async function printPush(
  engine: Engine,
  name: string,
  options: PushByNameOptions,
  how: ExplainHow,
): Promise<void> {
  const watch = (reference: Reference): PushWatch => {
    const answers: Answered[] = [];
    return {
      dryRun: true,
      onAnswer: (answered) => void answers.push(answered),
      onPlanned: async (tasks, hasBlob) => {
        const { steps } = planAll(engine.paths, reference, answers, tasks);
        const there = new Set<StepId>();
        if (await hasBlob(tasks.config.digest)) there.add(CONFIG_PUSH);
        for (const { descriptor, diffId } of tasks.layers) {
          if (descriptor === undefined || !(await hasBlob(descriptor.digest))) continue;
          const layer = shortOf(diffId);
          there.add(pushStepId('compress', layer)).add(pushStepId('push', layer));
        }
        await printSteps(steps, how, there);
      },
    };
  };
  await pushByName(engine, name, { ...options, quiet: true, watch });
}

const shortOf = (diffId: string): string => diffId.slice('sha256:'.length, 'sha256:'.length + 12);

function planAll(
  paths: Paths,
  { path, tag = 'latest' }: Reference,
  answers: readonly Answered[],
  tasks: PushTasks,
): { readonly requests: readonly RequestStep[]; readonly steps: readonly HostStep[] } {
  // Where a redirect leads is no address of the registry's, and its words are not its own.
  const asked = `/v2/${path}/blobs/${tasks.config.digest}`;
  const first = answers.findIndex(({ url }) => decodeURIComponent(new URL(url).pathname) === asked);
  const url = answers[first]?.url;
  // A token is got between two attempts: the last one is the one that was let in.
  const sample = answers.findLast((answered) => answered.url === url);
  if (sample === undefined) throw new Error('a push was planned before the registry was asked for a blob');
  const requests = planRequests(
    paths,
    answers.filter(({ method, url: other }, index) => index < first || (other !== url && method !== 'HEAD')),
  );
  return {
    requests,
    steps: [...requests.map(({ step }) => step), ...planPushSteps(paths, tasks, tag, sample)],
  };
}

/** Turns the phases of layers into steps that are done. */
class Layers {
  private readonly began = new Map<string, number>();
  private readonly compressed = new Set<string>();
  private last = performance.now();

  constructor(private readonly reporter: LocalReporter) {}

  receive({ layer, phase }: PushEvent): void {
    const at = performance.now();
    const ms = at - (this.began.get(layer) ?? at);
    this.began.set(layer, this.began.get(layer) ?? at);
    this.last = at;
    const tell = (what: 'compress' | 'push', outcome: 'done' | 'already'): void =>
      this.reporter.done({ id: pushStepId(what, layer), ms, outcome });
    if (phase === 'compressing') this.compressed.add(layer);
    if (phase !== 'exists' && phase !== 'mounted' && phase !== 'pushed') return;
    tell('compress', this.compressed.has(layer) ? 'done' : 'already');
    tell('push', phase === 'exists' ? 'already' : 'done');
  }

  /** Milliseconds since the last event of a layer. */
  sinceLast(): number {
    const before = this.last;
    this.last = performance.now();
    return this.last - before;
  }
}
