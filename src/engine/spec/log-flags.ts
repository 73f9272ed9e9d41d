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
    if (!OPTIONS[driver].includes(name)) {
      throw invalidSpec(
        `unknown log opt '${name}' for ${driver} log driver`,
        `${driver} takes ${OPTIONS[driver].join(', ') || 'no options'}.`,
      );
    }
    if (name === 'max-size') spec = { ...spec, maxSize: parseSize(value) };
    if (name === 'max-file') spec = { ...spec, maxFiles: parseFiles(value) };
    refuseImpossible(name, value);
    spec = { ...spec, options: { ...spec.options, [name]: value } };
  }
  return spec;
}

const DETAILS = ['labels', 'labels-regex', 'env', 'env-regex', 'tag'];
const WRITING = ['max-size', 'max-file', 'compress', 'mode'];
const OPTIONS: Readonly<Record<LogSpec['driver'], readonly string[]>> = {
  local: WRITING,
  'json-file': [...WRITING, ...DETAILS],
  none: [],
};

/** Of the options that say how a log is written, minidock takes the values that describe what it does. */
function refuseImpossible(name: string, value: string): void {
  if (name === 'compress' && value !== 'false') {
    throw invalidSpec(
      `minidock cannot do --log-opt compress=${value}: it keeps the files of a log as they were written`,
      'Bound the log with --log-opt max-size and max-file.',
    );
  }
  if (name === 'mode' && value !== 'blocking') {
    throw invalidSpec(
      `minidock cannot do --log-opt mode=${value}: no line of a log is dropped`,
      'The log is a file of this machine: writing to it takes microseconds.',
    );
  }
  if (name.endsWith('-regex')) {
    try {
      new RegExp(value);
    } catch (error) {
      throw invalidSpec(`invalid --log-opt ${name}: ${(error as Error).message}`);
    }
  }
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
