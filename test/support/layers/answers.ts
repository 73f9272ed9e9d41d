/**
 * What Docker and minidock make of the cases: the tree that a container sees, or that the image is refused. Docker's
 * answers are kept in docker-answers.txt, so that a test without Docker can compare with them.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join, resolve } from 'node:path';
import { driver } from '../bun.ts';
import type { DockerHost } from '../docker/docker.ts';
import { runProgram } from '../host/processes.ts';
import { dockerArchive, type LayerCase } from './layer-case.ts';

/** Lines of a tree (merged-driver.ts), or 'refused'. */
export type Answer = readonly string[] | 'refused';
export type Answers = ReadonlyMap<string, Answer>;

/** What an engine says to a case: the directories of the image's layers, base first, or why it refuses. */
export type Stack = { readonly lower: readonly string[] } | { readonly refused: string };

const tagOf = (index: number): string => `case${String(index)}`;

/** `dir` is an empty directory on a disk. All in one process, since there are many: unpack-driver.ts. */
export async function askMinidock(cases: readonly LayerCase[], dir: string): Promise<Answers> {
  const start = Date.now();
  const list = join(dir, 'cases.json');
  const archives = cases.map((layerCase, index) => {
    const path = join(dir, `${String(index)}.tar`);
    writeFileSync(
      path,
      layerCase.import === true ? importOf(layerCase) : dockerArchive(layerCase, tagOf(index)),
    );
    return { path, isImport: layerCase.import === true };
  });
  writeFileSync(list, JSON.stringify(archives));
  const { stdout, stderr, exitCode } = await runProgram(
    driver('../layers/unpack-driver.ts', list, join(dir, 'images')),
    {
      timeout: 300_000,
    },
  );
  if (exitCode !== 0) throw new Error(`unpack-driver.ts: status ${String(exitCode)}\n${stderr}`);
  const stacks = JSON.parse(stdout) as readonly Stack[];
  return await answersOf(
    cases,
    (_, index) => Promise.resolve(stacks[index] ?? { refused: 'no answer' }),
    dir,
    start,
  );
}

function importOf({ name, layers: [only] }: LayerCase): Buffer {
  if (only === undefined) throw new Error(`${name} has no archive`);
  return only.bytes;
}

export async function askDocker(cases: readonly LayerCase[], { host }: DockerHost): Promise<Answers> {
  const start = Date.now();
  const call = (method: string, path: string, body?: Buffer): Promise<string> =>
    callDocker(join(host.dir, 'docker.sock'), method, path, body);
  const ask = async (layerCase: LayerCase, index: number): Promise<Stack> => {
    const tag = tagOf(index);
    const answer =
      layerCase.import === true
        ? await call('POST', `/images/create?fromSrc=-&repo=layers&tag=${tag}`, importOf(layerCase))
        : await call('POST', '/images/load?quiet=1', dockerArchive(layerCase, tag));
    const refused = /"(?:error|message)":"((?:[^"\\]|\\.)*)"/.exec(answer)?.[1];
    if (refused !== undefined) return { refused };
    const inspected = JSON.parse(await call('GET', `/images/layers:${tag}/json`)) as {
      GraphDriver?: { Name: string; Data: { LowerDir?: string; UpperDir?: string } };
      message?: string;
    };
    const { LowerDir = '', UpperDir } = inspected.GraphDriver?.Data ?? {};
    if (UpperDir === undefined) return { refused: inspected.message ?? answer };
    const below = LowerDir.split(':').filter((dir) => dir !== '');
    return { lower: [UpperDir, ...below].reverse() };
  };
  return await answersOf(cases, ask, host.dir, start);
}

async function answersOf(
  cases: readonly LayerCase[],
  ask: (layerCase: LayerCase, index: number) => Promise<Stack>,
  dir: string,
  start: number,
): Promise<Answers> {
  const answers = new Map<string, Answer>();
  const stacks: { name: string; lower: readonly string[] }[] = [];
  const left = [...cases.entries()].reverse();
  const work = async (): Promise<void> => {
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      const [index, layerCase] = next;
      const { name } = layerCase;
      const stack = await ask(layerCase, index);
      if ('lower' in stack) stacks.push({ name, lower: stack.lower });
      else {
        answers.set(name, 'refused');
        if (process.env['SHOW_REFUSALS']) console.error(`${name}: ${stack.refused}`);
      }
    }
  };
  await Promise.all([work(), work(), work()]);
  const merged = join(dir, 'merged');
  mkdirSync(merged);
  writeFileSync(join(dir, 'stacks.json'), JSON.stringify(stacks));
  const { stdout, stderr, exitCode } = await runProgram(
    [
      'unshare',
      '--mount',
      ...driver('../layers/merged-driver.ts', join(dir, 'stacks.json'), merged, String(start)),
    ],
    { timeout: 120_000 },
  );
  if (exitCode !== 0) throw new Error(`merged-driver.ts: status ${String(exitCode)}\n${stderr}`);
  for (const line of stdout.split('\n').filter((text) => text !== '')) {
    const { name, tree } = JSON.parse(line) as { name: string; tree: readonly string[] };
    answers.set(name, tree);
  }
  return new Map(cases.map(({ name }) => [name, answers.get(name) ?? 'refused']));
}

function callDocker(socketPath: string, method: string, path: string, body?: Buffer): Promise<string> {
  return new Promise((done, fail) => {
    const call = request(
      { socketPath, method, path, headers: { 'Content-Type': 'application/x-tar' } },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () => {
          done(Buffer.concat(chunks).toString('utf8'));
        });
        answer.on('error', fail);
      },
    );
    call.on('error', fail);
    call.end(body);
  });
}

export type Side = 'docker' | 'minidock';

/** In a file: a case's name, then its tree, each line indented. */
export function recordedAnswers(side: Side): Answers {
  const answers = new Map<string, Answer>();
  for (const block of readFileSync(recordOf(side), 'utf8').split('\n\n')) {
    const [name = '', ...lines] = block.split('\n').filter((line) => line !== '');
    if (name !== '')
      answers.set(name, lines[0] === ' refused' ? 'refused' : lines.map((line) => line.slice(1)));
  }
  return answers;
}

export function recordAnswers(side: Side, answers: Answers): void {
  const blocks = [...answers].map(([name, answer]) =>
    [name, ...(answer === 'refused' ? [answer] : answer).map((line) => ` ${line}`)].join('\n'),
  );
  writeFileSync(recordOf(side), `${blocks.join('\n\n')}\n`);
}

const recordOf = (side: Side): string => resolve(import.meta.dirname, `${side}-answers.txt`);
