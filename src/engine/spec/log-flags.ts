/**
 * `--log-driver` and `--log-opt`, with Docker's names and words. There is one kind of log here, read by `logs` whatever
 * the driver is called; `none` keeps none. Unlike Docker's json-file, which grows without end, it rotates by default.
 */
import { DEFAULT_LOG, type LogSpec } from './container.ts';
import type { CreateRequest } from './create-request.ts';
import { invalidSpec } from './flag-errors.ts';

const UNITS: Readonly<Record<string, number>> = { '': 1, b: 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12 };
/** Large enough for any one read of output, and so for a file to hold a record. */
const SMALLEST = 1_000;

export function logSpec({ logDriver, logOpt = [] }: CreateRequest): LogSpec {
  const driver = logDriver === undefined || logDriver === '' ? DEFAULT_LOG.driver : logDriver;
  if (driver !== 'json-file' && driver !== 'local' && driver !== 'none') {
    throw invalidSpec(
      `logger: no log driver named '${driver}' is registered`,
      'There are local (the default), json-file and none.',
    );
  }
  let spec: LogSpec = { ...DEFAULT_LOG, driver };
  for (const option of logOpt) {
    const [name = '', value = ''] = splitOnce(option);
    if (name === 'max-size' && driver !== 'none') spec = { ...spec, maxSize: parseSize(value) };
    else if (name === 'max-file' && driver !== 'none') spec = { ...spec, maxFiles: parseFiles(value) };
    else
      throw invalidSpec(
        `unknown log opt '${name}' for ${driver} log driver`,
        'There are max-size and max-file.',
      );
  }
  return spec;
}

const splitOnce = (text: string): readonly [string, string] => {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
};

/** Docker's units.FromHumanSize: powers of 1,000. `-1` is without limit. */
function parseSize(text: string): number {
  if (text === '-1') return Number.MAX_SAFE_INTEGER;
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([bkmgt]?)b?$/i.exec(text) ?? [];
  const bytes = Math.floor(Number(number) * (UNITS[unit.toLowerCase()] ?? NaN));
  if (number === undefined || Number.isNaN(bytes)) throw invalidSpec(`invalid size: '${text}'`);
  if (bytes < SMALLEST) throw invalidSpec(`max-size must be at least ${String(SMALLEST)} bytes`);
  return bytes;
}

function parseFiles(text: string): number {
  const files = /^\d+$/.test(text) ? Number(text) : 0;
  if (files < 1) throw invalidSpec('max-file cannot be less than 1');
  return files;
}
