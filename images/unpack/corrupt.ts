/** The errors that an archive itself causes, as against those of the disk it is unpacked to. */
import { ImageError } from '../errors.ts';

export function corruptLayer(what: string, cause?: unknown): ImageError {
  return new ImageError({
    code: 'LAYER_CORRUPT',
    message: `corrupt layer: ${what}`,
    hint: 'the image itself is damaged: pull it again, or ask its publisher',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** Puts an error met while doing something into one of ours; ours go through unchanged. */
export function unpackError(doing: string, error: unknown): ImageError {
  if (error instanceof ImageError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new ImageError({
      code: 'NO_SPACE',
      message: `${doing}: no space left on the disk that holds the images`,
      hint: 'free some space (minidock rm, minidock rmi) and try again; nothing half-done was kept',
      cause: error,
    });
  }
  return new ImageError({ code: 'UNPACK_FAILED', message: `${doing}: ${message}`, cause: error });
}
