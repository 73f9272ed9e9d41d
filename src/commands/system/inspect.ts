/** `inspect`, `container inspect`, `image inspect`: Docker's JSON, or a Go template over it. */
import type { Command } from 'commander';
import { MinidockError } from '../../../runtime/errors.ts';
import { printableJson } from '../../../runtime/printable.ts';
import type { ContainerConfig } from '../../engine/spec/container.ts';
import type { Engine } from '../../engine/engine.ts';
import { findContainer } from '../../engine/reconcile.ts';
import type { Sizes } from '../../docker/container-row.ts';
import type { Template } from '../../docker/go-template/template.ts';
import type { Context, Verb } from '../shared/verb.ts';
import { stderr, stdout } from '../../io/standard-streams.ts';

type Kind = 'container' | 'image' | 'network' | 'volume';

interface InspectFlags {
  readonly format?: string;
  readonly host?: boolean;
  readonly size?: boolean;
  readonly type?: string;
}

export const inspect = inspectVerb('NAME|ID', undefined);
export const containerInspect = inspectVerb('CONTAINER', 'container');
export const imageInspect = inspectVerb('IMAGE', 'image');
export const volumeInspect = inspectVerb('VOLUME', 'volume');

function inspectVerb(what: string, only: Kind | undefined): Verb {
  return {
    startsLean: true,
    configure(command: Command, context: Context) {
      command
        .usage(`[OPTIONS] ${what} [${what}...]`)
        .argument('<names...>')
        .option('-f, --format <string>', "Format output: 'json' or a Go template");
      if (only === undefined || only === 'container') {
        command.option('-s, --size', 'Display total file sizes if the type is container');
        command.option(
          '--host',
          "Show the host's side of a container: veth, namespaces, cgroups, rules (also: -f table)",
        );
      }
      if (only === undefined) command.option('--type <string>', 'Only inspect objects of the given type');
      command.action(async (names: readonly string[], flags: InspectFlags) => {
        const kind = only ?? parseKind(flags.type);
        const isHost = flags.host === true;
        const isWord = flags.format === 'json' || (isHost && flags.format === 'table');
        const template = flags.format === undefined || isWord ? undefined : await parseFormat(flags.format);
        if (isHost) {
          await context.engine.containers.loadExaminer();
          const { inspectHost } = await import('./inspect-host.ts');
          await inspectHost(context, names, template ?? (flags.format as 'json' | 'table' | undefined));
          return;
        }
        const found: object[] = [];
        const errors: unknown[] = [];
        let told = 0;
        for (const name of names) {
          try {
            const object = await inspectOne(context, name, kind, flags.size ?? false);
            if (template === undefined) found.push(object);
            else {
              stdout.writeData(`${template.execute(object)}\n`);
              told++;
            }
          } catch (error) {
            errors.push(error);
          }
        }
        if (template === undefined) {
          stdout.write(`${flags.format === 'json' ? printableJson(found) : printableJson(found, 4)}\n`);
        } else if (told === 0) {
          // As Docker's template does for nothing.
          stdout.write('\n');
        }
        for (const error of errors) await context.report(error);
      });
    },
  };
}

async function inspectOne(
  { engine }: Context,
  name: string,
  kind: Kind | undefined,
  withSize: boolean,
): Promise<object> {
  if (kind === undefined || kind === 'container') {
    try {
      const { config, state } = await findContainer(engine.containers, name);
      const sizes = withSize ? await sizesOf(engine, config) : undefined;
      const { inspectContainer } = await import('../../docker/inspect/container.ts');
      return inspectContainer(config, state, engine.paths, sizes);
    } catch (error) {
      if (kind === 'container' || (error as { code?: string }).code !== 'NO_SUCH_CONTAINER') throw error;
    }
  }
  const image = kind === undefined || kind === 'image' ? await (await engine.images()).find(name) : undefined;
  if (image !== undefined) {
    if (withSize) warnSize('image');
    const { inspectImage } = await import('../../docker/inspect/image.ts');
    return inspectImage(image);
  }
  if (kind !== 'image') {
    const other = await inspectOther(engine, name, kind, withSize);
    if (other !== undefined) return other;
  }
  const { fullName, parseReference } = await import('../../../images/reference.ts');
  // What no image can be called says so; the beginning of an id is no name, but may be one's.
  if (kind === 'image' && !/^(sha256:)?[0-9a-f]+$/.test(name)) parseReference(name);
  throw new MinidockError({
    code: 'NO_SUCH_OBJECT',
    message: kind === 'image' ? `No such image: ${fullName(name)}` : `No such object: ${name}`,
  });
}

/** A network or a volume, in Docker's order. */
async function inspectOther(
  engine: Engine,
  name: string,
  kind: Kind | undefined,
  withSize: boolean,
): Promise<object | undefined> {
  if (kind !== 'volume') {
    await engine.containers.loadExaminer();
    const { inspectNetworkByName } = await import('./network.ts');
    try {
      const network = await inspectNetworkByName(engine, name);
      if (withSize) warnSize('network');
      return network;
    } catch (error) {
      if (kind === 'network' || (error as { code?: string }).code !== 'NO_SUCH_NETWORK') throw error;
    }
  }
  const { getVolume } = await import('../../engine/state/volumes.ts');
  const volume = getVolume(engine.paths, name);
  if (volume !== undefined && withSize) warnSize('volume');
  if (volume !== undefined) return (await import('../../docker/inspect/volume.ts')).inspectVolume(volume);
  if (kind === 'volume') {
    throw new MinidockError({ code: 'NO_SUCH_VOLUME', message: `get ${name}: no such volume` });
  }
  return undefined;
}

const warnSize = (kind: Kind): void => stderr.write(`WARNING: --size ignored for ${kind}\n`);

async function sizesOf(engine: Engine, config: ContainerConfig): Promise<Sizes> {
  const { containerSizes } = await import('../../engine/sizes.ts');
  return containerSizes(engine.paths, config, await engine.images());
}

/** Docker's status for an invalid template. */
async function parseFormat(text: string): Promise<Template> {
  const { compileTemplate } = await import('../../docker/go-template/template.ts');
  try {
    return compileTemplate(text);
  } catch (error) {
    if (!(error instanceof MinidockError)) throw error;
    throw new MinidockError({ code: error.code, message: error.message, exitCode: 64, cause: error });
  }
}

function parseKind(text: string | undefined): Kind | undefined {
  const kinds: readonly (string | undefined)[] = [undefined, 'container', 'image', 'network', 'volume'];
  if (kinds.includes(text)) return text as Kind | undefined;
  throw new MinidockError({ code: 'INVALID_FLAG', message: `"${text}" is not a valid value for --type` });
}
