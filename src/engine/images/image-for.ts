/** The image a container is made from: from the store, or pulled first, as --pull says. */
import { fullName } from '../../../images/reference.ts';
import type { StoredImage } from '../../../images/types.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import type { CreateRequest } from '../spec/create-request.ts';
import type { Engine } from '../engine.ts';
import type { PullByNameOptions } from './pull.ts';
import { stderr } from '../../io/standard-streams.ts';

/** Pulls a missing image, or only explains the pull. */
export type Fetch = (engine: Engine, name: string, options: PullByNameOptions) => Promise<StoredImage>;

export async function imageFor(engine: Engine, request: CreateRequest, fetch: Fetch): Promise<StoredImage> {
  const { image: name, pull: policy = 'missing', platform, quiet = false } = request;
  if (!['always', 'missing', 'never'].includes(policy)) {
    throw new MinidockError({
      code: 'INVALID_FLAG',
      message: `invalid pull option: '${policy}': must be one of "always", "missing" or "never"`,
      exitCode: 125,
    });
  }
  const fits = platform === undefined ? () => true : await fitsOf(platform);
  const store = await engine.images();
  const local = policy === 'always' ? undefined : await store.find(name);
  if (local !== undefined && fits(local)) return local;
  // Check the other flags before any download.
  const { checkRequest } = await import('../create.ts');
  checkRequest(engine.containers, request);
  if (policy === 'never') {
    throw new MinidockError({ code: 'NO_SUCH_IMAGE', message: `No such image: ${fullName(name)}` });
  }
  const full = await familiar(name);
  if (policy === 'missing') stderr.write(`Unable to find image '${full}' locally\n`);
  try {
    // What is printed here goes to stderr: stdout belongs to the container.
    return await fetch(engine, full, {
      quiet,
      output: stderr,
      ...(platform === undefined ? {} : { platform }),
    });
  } catch (error) {
    throw withStatus(error);
  }
}

/** The request with the images that it mounts; few mount any. */
export async function withMountedImages(engine: Engine, request: CreateRequest): Promise<CreateRequest> {
  if (request.mount?.some((text) => /type=image/i.test(text)) !== true) return request;
  const { findMountedImages } = await import('./mounted-images.ts');
  return findMountedImages(engine, request);
}

/** Whether an image is for the platform. @throws MinidockError 'INVALID_PLATFORM' before anything else is looked at. */
async function fitsOf(platform: string): Promise<(image: StoredImage) => boolean> {
  const { fitsPlatform, parsePlatform } = await import('../../../images/platform.ts');
  try {
    const wanted = parsePlatform(platform);
    return ({ config }) => fitsPlatform(config, wanted);
  } catch (error) {
    const { code, message, hint } = withStatus(error) as MinidockError;
    throw new MinidockError({
      code,
      message: `error parsing specified platform: ${message}`,
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

async function familiar(name: string): Promise<string> {
  const { familiarName, parseReference } = await import('../../../images/reference.ts');
  return familiarName(parseReference(name));
}

/** Whatever keeps `run` or `create` from having its image is the verb's own failure, with its status. */
function withStatus(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code = 'PULL_FAILED', hint } = error as { code?: string; hint?: string };
  return new MinidockError({
    code,
    message: error.message,
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}
