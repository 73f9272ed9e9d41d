/** `save`: one archive of one or more images, that Docker, Podman and minidock load. */
import { saveImages, type SaveRequest } from '../../../images/archives/save.ts';
import { fitsPlatform, formatPlatform, parsePlatform } from '../../../images/platform.ts';
import { formatReference, fullName, parseReference } from '../../../images/reference.ts';
import type { Platform, StoredImage } from '../../../images/types.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { recordEvent } from '../../engine/state/events/event-log.ts';
import { imageEvent } from '../../engine/state/events/events.ts';
import { findImage } from '../../engine/images/find-image.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { refuseTerminal, writeBeside } from '../shared/output-file.ts';
import { planSave } from '../../engine/plans/file-verb-plans.ts';
import { performSteps } from '../../engine/state/perform-step.ts';
import type { ExplainFlags } from '../../teach/explain/explain-flags.ts';
import { defineExplainFlags } from '../shared/explain-options.ts';
import { explained } from '../shared/explained.ts';
import type { Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

interface SaveFlags extends ExplainFlags {
  readonly output?: string;
  readonly platform?: string;
}

export const save: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS] IMAGE [IMAGE...]')
      .argument('<images...>')
      .option('-o, --output <string>', 'Write to a file, instead of STDOUT')
      .option('--platform <string>', 'Save only the given platform ("os[/arch[/variant]]")')
      .action(async (names: readonly string[], flags: SaveFlags) => {
        requireRoot('save');
        const platform = flags.platform === undefined ? undefined : parsePlatform(flags.platform);
        const requests: SaveRequest[] = [];
        for (const name of names) {
          const image = await findImage(engine, name);
          if (platform !== undefined) checkPlatform(image, name, platform);
          requests.push({ image, tags: tagsNamed(name, image.tags) });
        }
        const steps = planSave(engine.paths, names, flags.output);
        const done = await explained(flags, {
          plan: () => steps,
          perform: async (tell) => {
            refuseTerminal(flags.output);
            tell?.(steps);
            await performSteps(steps, () => write(requests, flags.output));
          },
          nothing: 'there is nothing to save',
        });
        if (!done) return;
        for (const { image } of requests)
          recordEvent(engine.paths, imageEvent('save', image.id, image.id, image.config.config?.Labels));
      });
    defineExplainFlags(command, { dryRun: true });

    const write = async (requests: readonly SaveRequest[], output: string | undefined): Promise<void> => {
      const store = await engine.images();
      if (output === undefined) await saveImages(store, requests, stdout.asNodeStream());
      else await writeBeside(output, 'failed to save image', (stream) => saveImages(store, requests, stream));
    };
  },
};

/** The tag that was named; none when the image was named by its id or a digest. */
function tagsNamed(name: string, tags: readonly string[]): readonly string[] {
  if (
    /^(sha256:)?[0-9a-f]{4,64}$/.test(name) &&
    !tags.includes(formatReference(parseReference(`${name}:latest`)))
  )
    return [];
  const wanted = formatReference(parseReference(name));
  return tags.filter((tag) => tag === wanted);
}

/** An image here has one platform. */
function checkPlatform({ config }: StoredImage, name: string, wanted: Platform): void {
  if (fitsPlatform(config, wanted)) return;
  throw new MinidockError({
    code: 'PLATFORM_MISMATCH',
    message: `image with reference ${fullName(name)} was found but its platform (${formatPlatform(config)}) does not match the specified platform (${formatPlatform(wanted)})`,
    hint: `minidock pull --platform ${formatPlatform(wanted)} ${name} fetches that one in its place.`,
  });
}
