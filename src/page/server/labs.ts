/**
 * The scenes of one server: this machine, and the labs it starts or finds running. A lab that it starts ends with it;
 * one that somebody else has started goes on.
 */
import { join } from 'node:path';
import { MinidockError } from '../../../runtime/errors.ts';
import type { Paths } from '../../engine/state/paths.ts';
import { enterWords, keptEnvironment, leaveKeys } from '../../teach/lab/enter.ts';
import {
  INSIDE,
  labDir,
  progressFile,
  readLab,
  runningLabs,
  type RunningLab,
} from '../../teach/lab/lab-dirs.ts';
import { seedOf } from '../../teach/lab/break/break-it.ts';
import { endLab, startLab, takeReset } from '../../teach/lab/lab.ts';
import type { Lesson } from '../../teach/lab/lesson.ts';
import { allLessons, findLesson } from '../../teach/lab/lessons/index.ts';
import { readProgress } from '../../teach/lab/progress.ts';
import { MACHINE, type LessonInfo, type SceneId } from '../messages.ts';
import { SceneProcess, type SceneListener } from './scene-process.ts';
import { runQuietly } from './run-quietly.ts';
import { stageLabs } from './stage-labs.ts';

export interface ScenesListener extends SceneListener {
  /** A lab of the page's own is there again. */
  begun(at: SceneId): void;
}

export class Scenes {
  private readonly scenes = new Map<SceneId, SceneProcess>();
  private readonly own = new Map<SceneId, RunningLab>();
  private readonly starting = new Map<SceneId, Promise<void>>();
  /** Scenes whose lesson is played for its goals. */
  private readonly playing = new Set<SceneId>();

  constructor(
    private readonly paths: Paths,
    private readonly listener: ScenesListener,
  ) {
    leaveKeys();
  }

  /** @throws MinidockError 'SCENE_UNKNOWN'. */
  open(at: SceneId): SceneProcess {
    const known = this.scenes.get(at);
    if (known !== undefined) return known;
    const scene =
      at === MACHINE
        ? new SceneProcess(at, [process.execPath, '__scene'], this.environment(), this.heard)
        : new SceneProcess(at, this.wordsIn(at, [INSIDE.minidock, '__scene']), labEnvironment(), this.heard);
    this.scenes.set(at, scene);
    return scene;
  }

  /** The argv that runs a program in a lab. @throws MinidockError 'SCENE_UNKNOWN'. */
  wordsIn(at: SceneId, argv: readonly string[]): [string, ...string[]] {
    const lab = readLab(this.paths, at);
    if (lab === undefined) throw unknown(at);
    return [...enterWords(lab), ...argv];
  }

  /** Starts the lab of a lesson, unless it runs already. @throws as startLab. */
  async start(name: string, again = false): Promise<void> {
    const lesson = findLesson(name) ?? stageLabs.find((one) => one.name === name);
    if (lesson === undefined) throw unknown(name);
    if (readLab(this.paths, name) !== undefined) return;
    const started = this.starting.get(name) ?? this.startNew(lesson, again);
    this.starting.set(name, started);
    try {
      await started;
    } finally {
      this.starting.delete(name);
    }
  }

  async end(at: SceneId): Promise<void> {
    const lab = readLab(this.paths, at);
    if (lab === undefined) throw unknown(at);
    this.own.delete(at);
    await endLab(lab);
    await this.scenes.get(at)?.end();
  }

  async reset(at: SceneId): Promise<void> {
    await this.end(at);
    await this.start(at, true);
  }

  /** Plays the lesson in a second lab, which tells each step's picture; the page hears it as this scene's words. */
  async goals(at: SceneId): Promise<void> {
    const lesson = findLesson(at);
    if (lesson === undefined) throw unknown(at);
    if (this.playing.has(at)) return;
    this.playing.add(at);
    const id = `${at}+${String(process.pid)}`;
    const lab = await startLab(this.paths, lesson, {
      ...{ id, progress: join(labDir(this.paths, id), 'progress'), bound: true },
    }).catch((error: unknown) => {
      this.playing.delete(at);
      throw error;
    });
    new SceneProcess(at, [...enterWords(lab), INSIDE.minidock, '__scene', 'goals'], labEnvironment(), {
      heard: (_, tell) => this.listener.heard(at, tell),
      ended: () => {
        this.playing.delete(at);
        void endLab(lab);
      },
    });
  }

  get running(): readonly SceneId[] {
    return runningLabs(this.paths).map(({ id }) => id);
  }

  lessons(): readonly LessonInfo[] {
    const done = readProgress(progressFile(this.paths));
    const broken = this.running.filter((id) => seedOf(id) !== undefined).map((id) => findLesson(id));
    return [...allLessons, ...broken].flatMap((lesson) =>
      lesson === undefined ? [] : [infoOf(lesson, [...done(lesson.name)])],
    );
  }

  async close(): Promise<void> {
    const labs = [...this.own.values()];
    this.own.clear();
    await Promise.all([...this.scenes.values()].map((scene) => scene.end()));
    await Promise.all(labs.map((lab) => endLab(lab)));
  }

  private async startNew(lesson: Lesson, again: boolean): Promise<void> {
    const options = { id: lesson.name, progress: progressFile(this.paths), bound: true };
    const lab = await startLab(this.paths, lesson, options);
    this.own.set(lab.id, lab);
    // Does the steps again that were reached before; the page tells the story itself.
    if (findLesson(lesson.name) !== undefined) {
      const welcome = ['lab', '__welcome', ...(again ? ['--again'] : [])];
      await runQuietly([...enterWords(lab), INSIDE.minidock, ...welcome], labEnvironment());
    }
  }

  private readonly heard: SceneListener = {
    heard: (at, tell) => this.listener.heard(at, tell),
    ended: (at, why) => {
      this.scenes.delete(at);
      this.listener.ended(at, why);
      const lab = this.own.get(at);
      this.own.delete(at);
      if (lab !== undefined) void this.startIfAsked(lab).catch(() => undefined);
    },
  };

  /** "reset" was typed in the lab's shell; its keeper writes that down as the last thing it does. */
  private async startIfAsked(lab: RunningLab): Promise<void> {
    await endLab(lab);
    if (!takeReset(this.paths, lab.id)) return;
    await this.start(lab.id, true);
    this.listener.begun(lab.id);
  }

  private environment(): NodeJS.ProcessEnv {
    return { ...process.env, MINIDOCK_ROOT: this.paths.root, MINIDOCK_RUN: this.paths.run };
  }
}

export const labEnvironment = (): NodeJS.ProcessEnv => ({
  ...keptEnvironment(),
  TERM: 'xterm-256color',
  SHELL: '/bin/sh',
});

const infoOf = (
  { name, group, title, story, epilogue, steps }: Lesson,
  done: readonly string[],
): LessonInfo => ({
  ...{ name, group, title, story, epilogue, done },
  steps: steps.map(({ id, title, task, hints, solution, requirements }) => ({
    ...{ id, title, task, hints },
    solution: solution.map(({ command, why }) => ({ command, why })),
    requirements: requirements.map(({ text }) => text),
  })),
});

const unknown = (at: SceneId): MinidockError =>
  new MinidockError({
    code: 'SCENE_UNKNOWN',
    message: `there is no lab ${at}`,
    hint: 'minidock lab list shows the lessons.',
  });
