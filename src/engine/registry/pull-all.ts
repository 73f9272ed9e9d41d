/** `pull -a`: every tag that the registry has of a repository, one after the other. */
import {
  formatReference,
  parseReference,
  familiarRepository,
  repositoryName,
} from '../../../images/reference.ts';
import { registryOptionsFromEnvironment } from '../../../images/registry/client.ts';
import { listTags } from '../../../images/registry/questions.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import type { Engine } from '../engine.ts';
import { pullByName, type PullByNameOptions } from '../images/pull.ts';

/** The names of all tags. @throws MinidockError 'INVALID_FLAG' for a name with a tag. */
export async function namesOfAllTags(name: string): Promise<readonly string[]> {
  const reference = parseReference(name);
  if (reference.digest !== undefined || /:[^/]*$/.test(name)) {
    throw new MinidockError({
      code: 'INVALID_FLAG',
      message: "tag can't be used with --all-tags/-a",
      exitCode: 1,
    });
  }
  const tags = await listTags(reference, registryOptionsFromEnvironment());
  // A registry's word is no tag yet: what cannot be one ends here.
  return tags.map((tag) => formatReference(parseReference(`${repositoryName(reference)}:${tag}`)));
}

export async function pullAll(engine: Engine, name: string, options: PullByNameOptions): Promise<void> {
  const { output, quiet } = options;
  let newer = false;
  for (const one of await namesOfAllTags(name)) {
    const { status } = await pullByName(engine, one, { ...options, oneOfMany: true });
    newer ||= status === 'downloaded';
  }
  const repository = familiarRepository(parseReference(name));
  if (quiet) return;
  output.write(`Status: ${newer ? 'Downloaded newer image' : 'Image is up to date'} for ${repository}\n`);
}
