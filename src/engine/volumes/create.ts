/**
 * `volume create`. A volume that is there already is left as it is and counts as made, as in Docker. The options of the
 * driver make it a directory of the host (o=bind), or a file system that is mounted while containers use it
 * (src/engine/plans/volume-plan.ts). What the device and the file system make of their words is for the kernel to say,
 * when it is first mounted.
 */
import { isAbsolute } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import type { Paths } from '../state/paths.ts';
import { recordEvent } from '../state/events/event-log.ts';
import { volumeEvent } from '../state/events/events.ts';
import { performFileStep, type FileStep } from '../state/perform-file.ts';
import { checkVolumeName, deleteVolume, getVolume, lockVolumes } from '../state/volumes.ts';
import { planVolume } from '../plans/volume-files-plan.ts';
import { timestamp } from '../spec/time.ts';
import { sweepVolumes } from './remove.ts';

export interface VolumeRequest {
  readonly name: string;
  readonly anonymous: boolean;
  readonly driver: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
}

/** Told the plan before it is carried out. */
type Tell = (steps: readonly FileStep[]) => void;

/** @throws MinidockError 'INVALID_VOLUME_NAME', 'NO_SUCH_DRIVER', 'INVALID_VOLUME_OPTION', 'STEP_FAILED'. */
export async function createVolume(paths: Paths, request: VolumeRequest, tell?: Tell): Promise<string> {
  checkRequest(paths, request);
  const lock = await lockVolumes(paths);
  try {
    sweepVolumes(paths);
    const steps = planRequested(paths, request);
    tell?.(steps);
    makeVolume(paths, request.name, steps);
    return request.name;
  } finally {
    lock.release();
  }
}

/** None for a volume that is there already. Nothing is touched. @throws as createVolume. */
export function planNewVolume(paths: Paths, request: VolumeRequest): readonly FileStep[] {
  checkRequest(paths, request);
  return planRequested(paths, request);
}

const planRequested = (
  paths: Paths,
  { name, anonymous, labels, options }: VolumeRequest,
): readonly FileStep[] =>
  getVolume(paths, name) !== undefined
    ? []
    : planVolume(paths, name, {
        created: timestamp(),
        anonymous,
        ...(Object.keys(labels).length === 0 ? {} : { labels }),
        ...(Object.keys(options).length === 0 ? {} : { options }),
      });

function makeVolume(paths: Paths, name: string, steps: readonly FileStep[]): void {
  if (steps.length === 0) return;
  try {
    steps.forEach(performFileStep);
  } catch (error) {
    deleteVolume(paths, name);
    throw error;
  }
  recordEvent(paths, volumeEvent(name, 'create'));
}

function checkRequest(paths: Paths, { name, driver, options }: VolumeRequest): void {
  if (driver !== 'local') {
    throw new MinidockError({
      code: 'NO_SUCH_DRIVER',
      message: `create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`,
      hint: 'minidock has no plugins: the driver is "local".',
    });
  }
  checkOptions(name, options);
  checkVolumeName(paths, name);
}

/** mount(2) takes one page of them. */
const LONGEST_OPTIONS = 4095;
const BIND_WORD = /^(r?bind|ro|rw|nosuid|nodev|noexec|noatime|nodiratime|relatime)$/;

function checkOptions(name: string, options: VolumeRequest['options']): void {
  const keys = Object.keys(options);
  if (keys.length === 0) return;
  const wrong = (reason: string, hint?: string): MinidockError =>
    new MinidockError({
      code: 'INVALID_VOLUME_OPTION',
      message: `create ${name}: ${reason}`,
      ...(hint === undefined ? {} : { hint }),
    });
  if (keys.includes('size'))
    throw wrong(
      'quota size requested but no quota support',
      'A tmpfs has a limit: -o type=tmpfs -o device=tmpfs -o o=size=10m',
    );
  const unknown = keys.find((key) => !['type', 'o', 'device'].includes(key));
  if (unknown !== undefined) throw wrong(`invalid option: "${unknown}"`);
  const missing = ['device', 'type'].find((key) => !keys.includes(key));
  if (missing !== undefined) throw wrong(`missing required option: "${missing}"`);
  const { o = '', device = '', type = '' } = options;
  if (Buffer.byteLength(o) > LONGEST_OPTIONS)
    throw wrong(`the options are longer than the ${String(LONGEST_OPTIONS)} bytes that mount(2) takes`);
  const words = o.split(',').filter(Boolean);
  if (!words.some((word) => /^r?bind$/.test(word))) {
    const empty = Object.entries({ device, type }).find(([, value]) => value === '');
    if (empty !== undefined) throw wrong(`the option "${empty[0]}" is empty`);
    return;
  }
  const other = words.find((word) => !BIND_WORD.test(word));
  if (other !== undefined) throw wrong(`the mount of a directory (o=bind) has no option "${other}"`);
  if (!isAbsolute(device)) throw wrong(`the device "${device}" must be an absolute path`);
}
