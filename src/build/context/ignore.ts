/** `.dockerignore`: which paths of a context a build does not see. The one door to `@balena/dockerignore`. */
import dockerIgnore from '@balena/dockerignore';

export interface IgnoreRules {
  ignores(path: string): boolean;
  /** No rule can take up again what is below an ignored directory. */
  readonly prunes: boolean;
}

export const NO_RULES: IgnoreRules = { ignores: () => false, prunes: true };

export function parseIgnore(text: string): IgnoreRules {
  const lines = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  return rulesOf(lines);
}

export function rulesOf(lines: readonly string[]): IgnoreRules {
  if (lines.length === 0) return NO_RULES;
  // BuildKit's names of files have capitals and small letters.
  const rules = dockerIgnore({ ignorecase: false }).add([...lines]);
  return {
    ignores: (path) => path !== '' && rules.ignores(path),
    prunes: !lines.some((line) => line.startsWith('!')),
  };
}
