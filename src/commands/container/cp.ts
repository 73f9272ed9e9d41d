/** `cp`: files between a container and the host, in both directions. */
import { MinidockError } from '../../../runtime/errors.ts';
import { copyFromContainer, copyToContainer, type Copied } from '../../engine/files/copy.ts';
import { parseCopyArgument } from '../../engine/files/paths.ts';
import { withContainerRoot } from '../../engine/files/with-root.ts';
import { hasProgram } from '../../engine/spec/container.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { recordEvent } from '../../engine/state/events/event-log.ts';
import { containerEvent } from '../../engine/state/events/events.ts';
import { stderr, stdout } from '../../io/standard-streams.ts';
import { humanSize } from '../../ui/human.ts';
import { WHILE, withSpinner } from '../../ui/spinner.ts';
import { planCopy } from '../../engine/plans/file-verb-plans.ts';
import { performSteps } from '../../engine/state/perform-step.ts';
import { findContainer } from '../../engine/reconcile.ts';
import type { ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { explained } from '../shared/explained.ts';
import type { Context, Verb } from '../shared/verb.ts';

interface CopyFlags extends ExplainFlags {
  readonly archive?: boolean;
  readonly followLink?: boolean;
  readonly quiet?: boolean;
}

export const cp: Verb = {
  configure(command, context) {
    command
      .usage(
        '[OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n       minidock cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH',
      )
      .argument('<source>')
      .argument('<destination>')
      .option('-a, --archive', 'Archive mode (copy all uid/gid information)')
      .option('-L, --follow-link', 'Always follow symbol link in SRC_PATH')
      .option('-q, --quiet', 'Suppress progress output during copy')
      .action(async (source: string, destination: string, flags: CopyFlags) => {
        requireRoot('cp');
        const request = toRequest(source, destination);
        const container = await findContainer(context.engine.containers, request.name);
        const steps = planCopy(context.engine.paths, container, {
          ...{ inward: request.writable, path: request.path },
          other: request.writable ? request.source : request.destination,
        });
        const done: Copied[] = [];
        await explained(flags, {
          plan: () => steps,
          perform: async (tell) => {
            tell?.(steps);
            const work = (): Promise<Copied> => copy(context, request, flags.followLink ?? false);
            const quiet = flags.quiet ?? tell !== undefined;
            done.push(
              await performSteps(steps, () =>
                withSpinner(`Copying ${source}`, work, { after: WHILE, quiet }),
              ),
            );
          },
          nothing: 'there is nothing to copy',
        });
        const [copied] = done;
        if (copied === undefined || flags.quiet === true || copied.to === '-') return;
        stderr.write(`Successfully copied ${humanSize(copied.size)} to ${copied.to}\n`);
      });
    defineExplainFlags(command, { dryRun: true });
  },
};

interface CopyRequest {
  /** The container. */
  readonly name: string;
  /** In it. */
  readonly path: string;
  readonly source: string;
  readonly destination: string;
  /** Into the container. */
  readonly writable: boolean;
}

function toRequest(sourceText: string, destinationText: string): CopyRequest {
  const [source, destination] = [parseCopyArgument(sourceText), parseCopyArgument(destinationText)];
  if (source.path === '') throw wrong('source can not be empty');
  if (destination.path === '') throw wrong('destination can not be empty');
  if (source.container !== undefined && destination.container !== undefined)
    throw wrong('copying between containers is not supported');
  const writable = source.container === undefined;
  const { container: name, path } = writable ? destination : source;
  if (name === undefined) throw wrong('must specify at least one container source');
  return { name, path, source: source.path, destination: destination.path, writable };
}

async function copy(
  { engine }: Context,
  { name, path, source, destination, writable }: CopyRequest,
  followLink: boolean,
): Promise<Copied> {
  if (destination === '-' && stdout.isTTY) throw wrong('refusing to write an archive to a terminal');
  return withContainerRoot(engine.containers, name, { writable, mounts: true }, (root, { config, state }) => {
    const firstId = hasProgram(state) ? (state.firstId ?? 0) : 0;
    recordEvent(engine.paths, containerEvent(config, writable ? 'extract-to-dir' : 'archive-path'));
    const side = { root, name, path, readOnlyRoot: config.spec.readOnly, firstId };
    if (writable) return copyToContainer(side, source === '-' ? process.stdin : source, followLink);
    return copyFromContainer(side, destination, followLink, (bytes) => stdout.writePatiently(bytes));
  });
}

const wrong = (message: string): MinidockError => new MinidockError({ code: 'BAD_COPY', message });
