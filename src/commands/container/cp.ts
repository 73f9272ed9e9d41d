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
import type { Context, Verb } from '../shared/verb.ts';

interface CopyFlags {
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
        const work = (): Promise<Copied> => copy(context, source, destination, flags.followLink ?? false);
        const copied = await withSpinner(`Copying ${source}`, work, {
          after: WHILE,
          quiet: flags.quiet ?? false,
        });
        if (flags.quiet === true || copied.to === '-') return;
        stderr.write(`Successfully copied ${humanSize(copied.size)} to ${copied.to}\n`);
      });
  },
};

async function copy(
  { engine }: Context,
  sourceText: string,
  destinationText: string,
  followLink: boolean,
): Promise<Copied> {
  const [source, destination] = [parseCopyArgument(sourceText), parseCopyArgument(destinationText)];
  if (source.path === '') throw wrong('source can not be empty');
  if (destination.path === '') throw wrong('destination can not be empty');
  if (source.container !== undefined && destination.container !== undefined)
    throw wrong('copying between containers is not supported');
  const [name, path, writable] =
    source.container === undefined
      ? [destination.container, destination.path, true]
      : [source.container, source.path, false];
  if (name === undefined) throw wrong('must specify at least one container source');
  if (destination.path === '-' && stdout.isTTY) throw wrong('refusing to write an archive to a terminal');
  return withContainerRoot(engine.containers, name, { writable, mounts: true }, (root, { config, state }) => {
    const firstId = hasProgram(state) ? (state.firstId ?? 0) : 0;
    recordEvent(engine.paths, containerEvent(config, writable ? 'extract-to-dir' : 'archive-path'));
    const side = { root, name, path, readOnlyRoot: config.spec.readOnly, firstId };
    if (writable) return copyToContainer(side, source.path === '-' ? process.stdin : source.path, followLink);
    return copyFromContainer(side, destination.path, followLink, (bytes) => stdout.writePatiently(bytes));
  });
}

const wrong = (message: string): MinidockError => new MinidockError({ code: 'BAD_COPY', message });
