/** `-e`, `--env-file`, `-l`, `--label-file`: KEY=value lists and files of them, as Docker reads them. */
import { readFileSync } from 'node:fs';
import { invalidArgument, invalidSpec, reasonOf } from './flag-errors.ts';

/** `-e KEY` alone takes the value of this process's variable, and is left out where there is none. */
export function parseEnv(entries: readonly string[], files: readonly string[]): readonly string[] {
  const fromFiles = files.flatMap((file) =>
    readLines(file, '--env-file').flatMap((line) => envEntry(line, file)),
  );
  return [...fromFiles, ...entries.flatMap((entry) => envEntry(entry, undefined))];
}

/** Docker's order, which `env` and `inspect` show: the flags' variables, then those of the image that no flag sets. */
export function mergeEnv(image: readonly string[], flags: readonly string[]): readonly string[] {
  const set = new Set(flags.map((entry) => split(entry)[0]));
  return [...flags, ...image.filter((entry) => !set.has(split(entry)[0]))];
}

export function parseLabels(entries: readonly string[], files: readonly string[]): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const entry of [...files.flatMap((file) => readLines(file, '--label-file')), ...entries]) {
    const [key = '', value = ''] = split(entry);
    if (key === '') throw invalidArgument(entry, '-l, --label', `invalid label '${entry}': empty name`);
    labels[key] = value;
  }
  return labels;
}

function envEntry(entry: string, file: string | undefined): readonly string[] {
  const [key = '', value] = split(entry);
  if (key === '') throw invalidArgument(entry, '-e, --env', `invalid environment variable: ${entry}`);
  if (file !== undefined && /\s/.test(key)) {
    throw invalidSpec(
      `poorly formatted environment: variable '${shorten(key)}' contains whitespaces`,
      `The line is in ${file}.`,
    );
  }
  if (value !== undefined) return [entry];
  const inherited = process.env[key];
  return inherited === undefined ? [] : [`${key}=${inherited}`];
}

/** The "name" may be a whole file of something else. */
const shorten = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}…` : text);

function split(entry: string): readonly [string, string | undefined] {
  const at = entry.indexOf('=');
  return at < 0 ? [entry, undefined] : [entry.slice(0, at), entry.slice(at + 1)];
}

function readLines(path: string, flag: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw invalidSpec(`open ${path}: ${reasonOf(error)}`, `The path was given with ${flag}.`);
  }
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trimStart())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
