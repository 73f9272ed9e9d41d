/** `.dockerignore`: which paths of a context a build does not see. The one door to `@balena/dockerignore`. */
import dockerIgnore from '@balena/dockerignore';
import { BuildError } from '../errors.ts';
import { slowPattern } from './ignore-match.ts';

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
  const rules = bounded(dockerIgnore({ ignorecase: false })).add([...lines]);
  refuseBadPatterns(lines);
  return {
    ignores: (path) => path !== '' && rules.ignores(path),
    prunes: !lines.some((line) => line.startsWith('!')),
  };
}

/** As BuildKit: a pattern that is none ends the build, and leaves nothing in by mistake. */
function refuseBadPatterns(lines: readonly string[]): void {
  for (const line of lines) {
    try {
      bounded(dockerIgnore({ ignorecase: false }))
        .add(line)
        .ignores('x');
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      throw new BuildError({
        code: 'INVALID_PATTERN',
        message: `syntax error in pattern: "${line}"`,
        cause: error,
      });
    }
  }
}

interface Library {
  _cache: Record<string, boolean>;
  _initCache(): void;
  _match(path: string, rule: { readonly pattern: string }): boolean;
}

/** The library makes an expression of each pattern; some patterns are none (ignore-match.ts). */
function bounded<T extends object>(rules: T): T {
  const library = rules as T & Library;
  // A file may be called `constructor`.
  library._initCache = () => void (library._cache = Object.create(null) as Library['_cache']);
  library._initCache();
  const match = library._match.bind(library);
  const slow = new Map<string, ReturnType<typeof slowPattern>>();
  library._match = (path, rule) => {
    const { pattern } = rule;
    if (!slow.has(pattern)) slow.set(pattern, slowPattern(pattern));
    return slow.get(pattern)?.(path) ?? match(path, rule);
  };
  return rules;
}
