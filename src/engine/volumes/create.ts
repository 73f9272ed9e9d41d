/**
 * `volume create`. A volume that is there already is left as it is and counts as made, as in Docker. Of the driver
 * options those of a bind mount are taken: the volume then is that directory. File systems that somebody would have to
 * mount for the volume, and unmount after its last user, are refused.
 */
import { isAbsolute } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import type { Paths } from '../state/paths.ts';
import { recordEvent } from '../state/events/event-log.ts';
import { volumeEvent } from '../state/events/events.ts';
import { lockVolumes, takeVolume, type Volume } from '../state/volumes.ts';

export interface VolumeRequest {
  readonly name: string;
  readonly anonymous: boolean;
  readonly driver: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
}

/** @throws MinidockError 'INVALID_VOLUME_NAME', 'NO_SUCH_DRIVER', 'INVALID_VOLUME_OPTION'. */
export async function createVolume(paths: Paths, request: VolumeRequest): Promise<Volume> {
  const { name, anonymous, driver, labels, options } = request;
  if (driver !== 'local') {
    throw new MinidockError({
      code: 'NO_SUCH_DRIVER',
      message: `create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`,
      hint: 'minidock has no plugins: the driver is "local".',
    });
  }
  checkOptions(name, options);
  const lock = await lockVolumes(paths);
  try {
    const { volume, publish } = takeVolume(paths, name, anonymous, {
      ...(Object.keys(labels).length === 0 ? {} : { labels }),
      ...(Object.keys(options).length === 0 ? {} : { options }),
    });
    publish?.();
    if (publish !== undefined) recordEvent(paths, volumeEvent(name, 'create'));
    return volume;
  } finally {
    lock.release();
  }
}

function checkOptions(name: string, options: VolumeRequest['options']): void {
  const keys = Object.keys(options);
  if (keys.length === 0) return;
  const wrong = (reason: string, hint?: string): MinidockError =>
    new MinidockError({
      code: 'INVALID_VOLUME_OPTION',
      message: `create ${name}: ${reason}`,
      ...(hint === undefined ? {} : { hint }),
    });
  const unknown = keys.find((key) => !['type', 'o', 'device'].includes(key));
  if (unknown !== undefined) throw wrong(`invalid option: "${unknown}"`);
  const { type = 'none', o = '', device = '' } = options;
  if (device === '') throw wrong('missing required option: "device"');
  const words = o.split(',').filter(Boolean);
  const other = words.find((word) => !/^(r?bind|ro|rw)$/.test(word));
  if (!/^(none|bind)$/.test(type) || !words.some((word) => /^r?bind$/.test(word)) || other !== undefined) {
    throw wrong(
      `minidock does not mount "${other ?? type}" for a volume, only directories (type=none, o=bind)`,
      'Mount it on the host and give its mount point as the device, or use --tmpfs for a container of its own.',
    );
  }
  if (!isAbsolute(device)) throw wrong(`the device "${device}" must be an absolute path`);
}
