/** What a RUN executes: its words, its environment, and what its history says. Pure. */
import type { RunInstruction } from './parse/instruction.ts';
import { withoutTabs } from './parse/heredocs.ts';
import type { Variables } from './parse/shell-words.ts';
import { words } from './plan/config-change.ts';
import type { Stage } from './stage.ts';

/** Set by --build-arg without an ARG; no part of the cache's key or of the history. */
const PROXIES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [
  name,
  name.toLowerCase(),
]);

export interface RunWords {
  readonly args: readonly string[];
  /** Mounted as a program of its own: a here-document that begins with `#!`. */
  readonly script?: { readonly path: string; readonly content: string };
}

export function runWords({ command, heredocs }: RunInstruction, stage: Stage): RunWords {
  if (command.form === 'exec' || heredocs.length === 0) return { args: words(command, stage.config) };
  const [only] = heredocs;
  if (only !== undefined && heredocs.length === 1 && command.line.trim() === only.word) {
    const content = only.chomp ? withoutTabs(only.content) : only.content;
    if (!content.startsWith('#!')) return { args: words({ form: 'shell', line: content }, stage.config) };
    const path = `/dev/pipes/${only.name}`;
    // By way of the shell, as BuildKit does.
    return { args: words({ form: 'shell', line: path }, stage.config), script: { path, content } };
  }
  const texts = heredocs.map(({ content, name }) => `${content}${name}`);
  return { args: words({ form: 'shell', line: [command.line, ...texts].join('\n') }, stage.config) };
}

export const runEnv = ({ variables }: Stage): readonly string[] =>
  [...variables].map(([name, value]) => `${name}=${value}`);

export const proxyEnv = (buildArgs: Variables, { args }: Stage): readonly string[] =>
  [...buildArgs]
    .filter(([name]) => PROXIES.includes(name) && !args.has(name))
    .map(([name, value]) => `${name}=${value}`);

export function runText({ args }: RunWords, stage: Stage): string {
  const given = [...stage.args].map((name) => `${name}=${stage.variables.get(name) ?? ''}`);
  const shown = given.length === 0 ? args : [`|${String(given.length)}`, ...given, ...args];
  return `RUN ${shown.join(' ')} # buildkit`;
}
