/** `--health-*` and `--no-healthcheck`, merged with the image's health check by Docker's rules, in its words. */
import type { Healthcheck } from '../../../images/types.ts';
import type { CreateRequest } from './create-request.ts';
import { parseDuration } from '../../io/duration.ts';
import { invalidArgument, invalidSpec, parseInteger } from './flag-errors.ts';

export function healthSpec(
  request: CreateRequest,
  image: Healthcheck | null | undefined,
): { readonly healthcheck?: Healthcheck } {
  const own = fromFlags(request);
  if (request.healthcheck === false) {
    if (own !== undefined) throw invalidSpec('--no-healthcheck conflicts with --health-* options');
    return { healthcheck: { Test: ['NONE'] } };
  }
  const merged = own === undefined ? image : { ...image, ...own };
  return merged === undefined || merged === null ? {} : { healthcheck: merged };
}

/** Undefined where none is given; 0 and '' are as good as not given, as in Docker. */
function fromFlags(request: CreateRequest): Healthcheck | undefined {
  const retries = parseInteger(request.healthRetries, '--health-retries') ?? 0;
  if (retries < 0) throw invalidSpec('--health-retries cannot be negative');
  const times = {
    Interval: nanoseconds(request.healthInterval, 'interval', 'Interval'),
    Timeout: nanoseconds(request.healthTimeout, 'timeout', 'Timeout'),
    StartPeriod: nanoseconds(request.healthStartPeriod, 'start-period', 'StartPeriod'),
    StartInterval: nanoseconds(request.healthStartInterval, 'start-interval', 'StartInterval'),
    Retries: retries,
  };
  const given = Object.entries(times).filter(([, value]) => value !== 0);
  const { healthCmd = '' } = request;
  if (healthCmd === '' && given.length === 0) return undefined;
  return { ...(healthCmd === '' ? {} : { Test: ['CMD-SHELL', healthCmd] }), ...Object.fromEntries(given) };
}

const LEAST = 1_000_000;

function nanoseconds(text: string | undefined, flag: string, field: string): number {
  if (text === undefined) return 0;
  const value = parseDuration(text);
  if (value === undefined) {
    const unit = /^[+-]?\d+(\.\d+)?$/.test(text) ? 'missing unit in duration' : 'invalid duration';
    throw invalidArgument(text, `--health-${flag}`, `time: ${unit} ${JSON.stringify(text)}`);
  }
  if (value < 0n) throw invalidSpec(`--health-${flag} cannot be negative`);
  if (value > 0n && value < LEAST) throw invalidSpec(`${field} in Healthcheck cannot be less than 1ms`);
  return Number(value);
}
