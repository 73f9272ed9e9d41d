/** Breaks a host as a table says (breakages.ts), asks `why`, types the fix that it suggests, and puts the host right. */
import type { Breakage } from './breakages/terms.ts';
import type { TestHost } from './host/host.ts';

export interface Broken {
  readonly words: string;
  readonly code: string;
  readonly text: string;
  readonly fix: string;
}

export type Shell = (script: string) => Promise<{ readonly exitCode: number; readonly stdout: string }>;

/** The codes that the table wants, question by question; after the fix, that it works. */
export const wantedOf = ({ asked, mended }: Breakage): readonly (readonly [string, string])[] => [
  ...asked.map(([words, code]) => [words.join(' '), code] as const),
  ...(mended === true ? [[asked[0]?.[0].join(' ') ?? '', 'works'] as const] : []),
];

export const toldIn = (found: readonly Broken[]): readonly (readonly [string, string])[] =>
  found.map(({ words, code }) => [words, code]);

/**
 * As tryOut, and once more where it goes wrong: `why` waits for packets for parts of a second, and on a machine that
 * is busy with other tests they may come later. A cause that is named wrongly is so both times.
 */
export async function tryTwice(host: TestHost, sh: Shell, breakage: Breakage): Promise<readonly Broken[]> {
  const found = await tryOut(host, sh, breakage).catch(() => undefined);
  const isRight = JSON.stringify(toldIn(found ?? [])) === JSON.stringify(wantedOf(breakage));
  return found !== undefined && isRight ? found : tryOut(host, sh, breakage);
}

export async function tryOut(host: TestHost, sh: Shell, breakage: Breakage): Promise<readonly Broken[]> {
  const { name, broken, undo, client, asked, mended } = breakage;
  const run = async (script: string): Promise<void> => {
    const { exitCode, stdout } = await sh(`exec 2>&1; set -e; ${script}`);
    if (exitCode !== 0) throw new Error(`${name}: ${script}\n${stdout}`);
  };
  const reached = async (): Promise<boolean> => client === undefined || (await sh(client)).exitCode === 0;
  if (!(await reached())) throw new Error(`${name}: was broken before: ${client ?? ''}`);
  await run(broken);
  try {
    if (client !== undefined && (await reached())) throw new Error(`${name}: breaks nothing`);
    const found: Broken[] = [];
    for (const [words] of asked) found.push(await ask(host, words));
    const [first] = found;
    if (mended !== true || first === undefined) return found;
    await run(first.fix);
    // Nobody asks at once: a neighbour that could not be found is looked for anew within a second.
    let last = first;
    const works = async (): Promise<boolean> => {
      last = await ask(host, asked[0]?.[0] ?? []);
      return last.code === 'works';
    };
    await host.waitFor(works, 'the fix to help').catch(() => undefined);
    return [...found, last];
  } finally {
    await run(undo);
  }
}

export async function ask(host: TestHost, words: readonly string[]): Promise<Broken> {
  const { stdout, stderr } = await host.minidock('why', ...words, '--json');
  if (stdout === '') return { words: words.join(' '), code: '', text: stderr, fix: '' };
  const { verdict } = JSON.parse(stdout) as {
    verdict: { code: string; text: string; fix?: string };
  };
  return { words: words.join(' '), code: verdict.code, text: verdict.text, fix: verdict.fix ?? '' };
}
