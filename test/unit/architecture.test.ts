/**
 * The shape of the code, held by tests: which layer may import which, which one module each library is reached
 * through, and what every file looks like from afar. A rule that no test holds is forgotten within the week.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { dirname, join, relative } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const top = join(import.meta.dirname, '../..');
const layers = ['src', 'images', 'runtime'];

interface Import {
  readonly file: string;
  readonly specifier: string;
  /** Erased by the compiler, so it ties two files together for the reader only. */
  readonly typeOnly: boolean;
}

const sources = layers.flatMap(typescriptBelow);
const textOf = new Map(sources.map((file) => [file, readFileSync(join(top, file), 'utf8')]));
const imports = sources.flatMap(importsOf);

/** Libraries, and where alone each may be imported: what is behind a door can be exchanged. */
const doors: readonly { readonly library: string; readonly door: RegExp }[] = [
  { library: 'execa', door: /^runtime\/plan\// },
  { library: 'node-fetch', door: /^images\/registry\// },
  { library: 'tar', door: /^images\/(unpack|archives)\// },
  { library: 'chalk', door: /^src\/ui\// },
  { library: 'ora', door: /^src\/ui\// },
  { library: 'commander', door: /^src\/(cli\.ts$|commands\/)/ },
  { library: 'bun:ffi', door: /^runtime\/syscall\// },
];

describe('layers', () => {
  test('the walk finds the code', () => {
    expect(sources).toContain('runtime/plan/step.ts');
    expect(imports.length).toBeGreaterThan(sources.length);
  });

  test.each([
    ['images', ['images']],
    ['runtime', ['runtime']],
    ['src', ['src', 'images', 'runtime']],
  ])('%s imports only from %j', (layer, allowed) => {
    const wrong = localImports()
      .filter(
        ({ file, target }) => file.startsWith(`${layer}/`) && !allowed.includes(target.split('/')[0] ?? ''),
      )
      .map(({ file, target }) => `${file} imports ${target}`);
    expect(wrong).toEqual([]);
  });

  test('no circle of imports', () => {
    expect(circles()).toEqual([]);
  });

  test('images and runtime print nothing and end nothing, but for PID 1 of a container', () => {
    const edge = /\bconsole\.\w|\bprocess\.(stdout|stderr|exit|exitCode)\b/;
    const wrong = sources.filter(
      (file) => !/^(src|runtime\/process)\//.test(file) && edge.test(codeOf(file)),
    );
    expect(wrong).toEqual([]);
  });
});

describe('libraries', () => {
  test.each(doors)('$library is imported through its door alone', ({ library, door }) => {
    const users = imports.filter(({ specifier }) => libraryOf(specifier) === library).map(({ file }) => file);
    expect(users.filter((file) => !door.test(file))).toEqual([]);
    expect(users).not.toEqual([]);
  });

  test('every library used is named in package.json, and has a door', () => {
    const named = new Set(Object.keys(readManifest().dependencies));
    const used = new Set(imports.map(({ specifier }) => libraryOf(specifier)).filter(Boolean));
    expect([...used].filter((name) => !/^(node:|bun(:|$))/.test(name) && !named.has(name))).toEqual([]);
    expect([...named].filter((name) => !doors.some(({ library }) => library === name))).toEqual([]);
  });

  test('versions are exact, and the lock names no host to fetch from', () => {
    const manifest = readManifest();
    const versions = Object.values({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
    });
    expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([]);
    expect(readFileSync(join(top, 'package-lock.json'), 'utf8')).not.toContain('"resolved"');
  });
});

describe('files', () => {
  test('open with a comment that tells the idea', () => {
    const headless = [...sources, ...typescriptBelow('test/support')].filter(
      (file) => !/^(\/\*\*\n|\/\*\* \S|\/\/ \S)/.test(readFileSync(join(top, file), 'utf8')),
    );
    expect(headless).toEqual([]);
  });

  test('have at most 300 lines', () => {
    const long = sources.map((file) => [file, textOf.get(file)!.split('\n').length - 1] as const);
    expect(long.filter(([, lines]) => lines > 300)).toEqual([]);
  });

  test('are named with lower-case words and hyphens', () => {
    const odd = [...sources, ...typescriptBelow('test')].filter(
      (file) => !/^[a-z0-9/-]+(\.test)?\.ts$/.test(file),
    );
    expect(odd).toEqual([]);
  });

  test('await nothing at the top level, which bytecode does not allow', () => {
    expect(sources.filter((file) => /^(await|for await)\b/m.test(codeOf(file)))).toEqual([]);
  });
});

describe('the repository', () => {
  const committed = spawnSync('git', ['ls-files'], { cwd: top, encoding: 'utf8' })
    .stdout.split('\n')
    .filter(Boolean);

  test('holds nothing unexpected at the top', () => {
    const expected = ['LICENSE', 'README.md', 'package-lock.json', 'package.json', 'tsconfig.json'];
    const folders = ['images', 'runtime', 'scripts', 'src', 'test'];
    const names = new Set(committed.map((path) => path.split('/')[0] ?? ''));
    expect(
      [...names].filter((name) => ![...expected, ...folders].includes(name) && !name.startsWith('.')),
    ).toEqual([]);
  });

  test('does not know where it was written', () => {
    const tracked = committed.filter((path) => path !== 'package-lock.json');
    const telling = tracked.filter((path) => {
      const text = readFileSync(join(top, path), 'utf8');
      return text.includes(`${top}/`) || /\bissue #?\d+\b/i.test(text);
    });
    expect(telling).toEqual([]);
  });
});

function typescriptBelow(folder: string): string[] {
  return readdirSync(join(top, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `${folder}/${path}`)
    .sort();
}

function importsOf(file: string): Import[] {
  const code = codeOf(file);
  const declared = [
    ...code.matchAll(/^(?:import|export)\s+(type\s)?(?:[\w*{][^;'"]*?\sfrom\s+)?'([^']+)'/gm),
  ];
  const called = [...code.matchAll(/\b(?:import|require)\(\s*'([^']+)'/g)];
  return [
    ...declared.map((m) => ({ file, specifier: m[2]!, typeOnly: m[1] !== undefined })),
    ...called.map((m) => ({ file, specifier: m[1]!, typeOnly: false })),
  ];
}

/** `tar` of `tar/header`, `@scope/name` of `@scope/name/part`; '' of a path. */
function libraryOf(specifier: string): string {
  return /^(@[^/]+\/)?[^./@][^/]*/.exec(specifier)?.[0] ?? '';
}

/** The text without its comments, roughly: a line that starts as one, and blocks. */
function codeOf(file: string): string {
  return textOf
    .get(file)!
    .replace(/^\s*\/\*\*?[\s\S]*?\*\/$/gm, '')
    .replace(/^\s*\/\/.*$/gm, '');
}

function localImports(): { file: string; target: string; typeOnly: boolean }[] {
  return imports
    .filter(({ specifier }) => specifier.startsWith('.'))
    .map(({ file, specifier, typeOnly }) => ({
      file,
      target: relative(top, join(top, dirname(file), specifier)),
      typeOnly,
    }));
}

/** Each circle once, as the files along it. Imports loaded later, by a call, are edges too. */
function circles(): string[] {
  const edges = new Map<string, string[]>();
  for (const { file, target, typeOnly } of localImports()) {
    if (!typeOnly) edges.set(file, [...(edges.get(file) ?? []), target]);
  }
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file);
    if (start >= 0) {
      found.push([...path.slice(start), file].join(' -> '));
      return;
    }
    if (done.has(file)) return;
    for (const next of edges.get(file) ?? []) visit(next, [...path, file]);
    done.add(file);
  };
  for (const file of edges.keys()) visit(file, []);
  return found;
}

type Manifest = Record<'dependencies' | 'devDependencies' | 'optionalDependencies', Record<string, string>>;

function readManifest(): Manifest {
  return JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')) as Manifest;
}
