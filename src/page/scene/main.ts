/**
 * The process of a scene, `minidock __scene`: it runs where the scene is, on this machine or inside a lab, reads
 * questions from its standard input and writes what it sees to its standard output, a JSON object a line. It ends with
 * its standard input. Inside a lab it has no right on the machine.
 */
import { createInterface } from 'node:readline';
import { printableJson } from '../../../runtime/printable.ts';
import { watchKernel } from '../../diagnose/graph/watch.ts';
import { observe, type ObserveOptions } from '../../diagnose/graph/observe.ts';
import { Engine } from '../../engine/engine.ts';
import { resolvePaths } from '../../engine/state/paths.ts';
import { stdout } from '../../io/standard-streams.ts';
import { lessonInside } from '../../teach/lab/lab-dirs.ts';
import { findLesson } from '../../teach/lab/lessons/index.ts';
import { readSceneAsk, type SceneAsk, type SceneTell } from '../messages.ts';
import { LessonWatch } from './lesson-watch.ts';
import { readInterface } from './interface.ts';
import type { Stage } from './stage.ts';
import { askWhy } from './why.ts';

/** Milliseconds without a message of the kernel; a change is to be seen within a tenth of a second. */
const PAUSE = 15;

export async function runScene(): Promise<void> {
  const engine = new Engine(resolvePaths({}));
  const inside = lessonInside();
  const lesson = inside === undefined ? undefined : findLesson(inside);
  const watch = lesson === undefined ? undefined : new LessonWatch(lesson, tell);
  const end = new AbortController();
  let redraw = (): void => undefined;
  let stage: Promise<Stage> | undefined;
  let former: Stage | undefined;

  const answer = async (ask: SceneAsk): Promise<unknown> => {
    switch (ask.ask) {
      case 'check':
        // A change in a namespace without a cable has no message.
        redraw();
        return watch?.check();
      case 'hint':
        return watch?.hint();
      case 'show':
        return watch?.show();
      case 'next':
        return watch?.next();
      case 'why':
        return askWhy(ask.words);
      case 'interface':
        return readInterface(ask.inode, ask.index);
      case 'x-ray':
        return (await import('./x-ray.ts')).xRay(engine.containers, ask.name);
      case 'stage': {
        if (inside === undefined) throw new Error('steps go on stage in a lab only');
        await former?.end();
        // A start that is refused leaves the one before where it is.
        stage = import('./stage.ts').then(({ Stage }) => Stage.open(ask.words, tell, former));
        former = await stage;
        return undefined;
      }
      case 'stage-step':
        return (await stage)?.step();
      case 'stage-back':
        return (await stage)?.back();
      case 'stage-end':
        return former?.clear();
    }
  };

  createInterface({ input: process.stdin, crlfDelay: Infinity })
    .on('line', (line) => {
      const { id, ask } = readQuestion(line);
      if (ask === undefined) return;
      answer(ask).then(
        (value) => tell({ tell: 'answer', id, value: value ?? null }),
        (error: unknown) => tell({ tell: 'error', id, message: wordsOf(error) }),
      );
    })
    .on('close', () => end.abort());

  let last = '';
  const known: NonNullable<ObserveOptions['known']> = new Map();
  await watchKernel(
    async ({ all, nsids }) => {
      const model = await observe(engine.containers, {
        ...{ all: inside !== undefined, known },
        ...(all ? {} : { changed: nsids }),
      });
      const line = printableJson({ tell: 'graph', model });
      if (line === last) return;
      last = line;
      stdout.writeRaw(`${line}\n`);
      void watch?.check();
    },
    { pause: PAUSE, until: end.signal, started: (again) => (redraw = again) },
  );
  await former?.end();
  process.exit(0);
}

const tell = (words: SceneTell): void => stdout.writeRaw(`${printableJson(words)}\n`);

function readQuestion(line: string): { id: number; ask: SceneAsk | undefined } {
  // The server has written it.
  const { id, ask } = JSON.parse(line) as { id: number; ask: unknown };
  return { id, ask: readSceneAsk(ask) };
}

function wordsOf(error: unknown): string {
  const { message, hint } = error as { message?: string; hint?: string };
  return [message ?? String(error), ...(hint === undefined ? [] : [hint])].join('\n');
}
