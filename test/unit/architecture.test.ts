/**
 * The shape of the code, held by tests: which one module each library is reached through, and what every file looks
 * like from afar. Who may import whom is in .dependency-cruiser.js. A rule that no test holds is forgotten within the week.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';

const top = join(import.meta.dirname, '../..');
const layers = ['src', 'images', 'runtime'];

interface Import {
  readonly file: string;
  readonly specifier: string;
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
  { library: 'dockerfile-ast', door: /^src\/build\/parse\/(document|message)\.ts$/ },
  { library: '@balena/dockerignore', door: /^src\/build\/context\// },
  { library: 'yaml', door: /^src\/engine\/cdi\// },
  { library: 'dns-packet', door: /^src\/engine\/dns\/message/ },
  { library: 'commander', door: /^src\/(cli\.ts$|commands\/)/ },
  { library: '@xterm/xterm', door: /^src\/page\/browser\// },
  { library: '@xterm/addon-fit', door: /^src\/page\/browser\// },
  { library: 'bun:ffi', door: /^runtime\/syscall\// },
];

describe('layers', () => {
  test('the walk finds the code', () => {
    expect(sources).toContain('runtime/plan/step.ts');
    expect(imports.length).toBeGreaterThan(sources.length);
  });

  test('the table of .github/ARCHITECTURE.md says what the rules of .dependency-cruiser.js are', async () => {
    const { floors } = (await import(join(top, '.dependency-cruiser.js'))) as Rules;
    const page = readFileSync(join(top, '.github/ARCHITECTURE.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `([a-z/]+\/)` +\|[^|]*\|([^|]*)\|$/gm)].map(
      ([, floor = '', allowed = '']) => [
        `^${floor}`,
        [...allowed.matchAll(/`([a-z/]+\/)`/g)].map(([, name = '']) => `^${name}`).sort(),
      ],
    );
    const rules = Object.entries(floors).map(([floor, allowed]) => [floor, [...allowed].sort()]);
    expect(Object.fromEntries(rows)).toMatchObject(Object.fromEntries(rules));
  });

  test('the table of libraries names their doors', () => {
    const page = readFileSync(join(top, '.github/ARCHITECTURE.md'), 'utf8');
    const rows = [...page.matchAll(/^\| `([@a-z/-]+)` +\| `([a-z/]+\/)` +\|/gm)];
    for (const [, library, door = ''] of rows)
      expect(doors.find((one) => one.library === library)?.door.test(`${door}message.ts`)).toBe(true);
    expect(rows.map(([, library]) => library)).toEqual(
      expect.arrayContaining(doors.map((one) => one.library).filter((name) => !name.startsWith('bun:'))),
    );
  });

  test('images and runtime print nothing and end nothing, but for PID 1 of a container', () => {
    const edge = /\bconsole\.\w|\bprocess\.(stdout|stderr|exit|exitCode)\b/;
    const wrong = sources.filter(
      (file) => !/^(src|runtime\/process)\//.test(file) && edge.test(codeOf(file)),
    );
    expect(wrong).toEqual([]);
  });
});

describe('runtime', () => {
  const runtime = sources.filter((file) => file.startsWith('runtime/'));
  const flags = new Set(
    sources
      .filter((file) => file.startsWith('src/commands/'))
      .flatMap((file) => [...codeOf(file).matchAll(/['" ](--[a-z][a-z-]+)/g)].map(([, flag = '']) => flag)),
  );
  /** Where the words are the arguments of unshare, nsenter and setpriv, which have flags of the same names. */
  const spellsTools = /^runtime\/(plan\/(render|tools)|process\/namespace-command|network\/resolver)\.ts$/;

  test('knows no flags of minidock', () => {
    expect([...flags]).toEqual(expect.arrayContaining(['--userns', '--root', '--privileged', '--firewall']));
    const found = runtime
      .filter((file) => !spellsTools.test(file))
      .flatMap((file) => (codeOf(file).match(/--[a-z][a-z-]+/g) ?? []).map((flag) => [file, flag] as const));
    expect(found.length).toBeGreaterThan(5);
    expect(found.filter(([, flag]) => flags.has(flag))).toEqual([]);
  });

  test('knows no variables of minidock, and of the environment none but PATH', () => {
    const variables = /MINIDOCK_|process\.env(?!\['PATH'\]|, LC_ALL: ('C'|locale))/;
    // `context.process` is the program-to-be, not ours.
    const wrong = runtime.filter((file) => variables.test(codeOf(file).replaceAll('context.process', '')));
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
      (file) => !/^[a-z0-9/-]+(\.test|\.d)?\.ts$/.test(file),
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
    ...code.matchAll(/^(?:import|export)\s+(?:type\s)?(?:[\w*{][^;'"]*?\sfrom\s+)?'([^']+)'/gm),
  ];
  const called = [...code.matchAll(/\b(?:import|require)\(\s*'([^']+)'/g)];
  return [
    ...declared.map((m) => ({ file, specifier: m[1]! })),
    ...called.map((m) => ({ file, specifier: m[1]! })),
  ];
}

/** `tar` of `tar/header`, `@scope/name` of `@scope/name/part`; '' of a path. */
function libraryOf(specifier: string): string {
  // minidock:page is made by the build.
  return specifier.startsWith('minidock:') ? '' : (/^(@[^/]+\/)?[^./@][^/]*/.exec(specifier)?.[0] ?? '');
}

/** The text without its comments, roughly: a line that starts as one, and blocks. */
function codeOf(file: string): string {
  return textOf
    .get(file)!
    .replace(/^\s*\/\*\*?[\s\S]*?\*\/$/gm, '')
    .replace(/^\s*\/\/.*$/gm, '');
}

interface Rules {
  readonly floors: Readonly<Record<string, readonly string[]>>;
}

type Manifest = Record<'dependencies' | 'devDependencies' | 'optionalDependencies', Record<string, string>>;

function readManifest(): Manifest {
  return JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')) as Manifest;
}
