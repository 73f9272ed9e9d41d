/**
 * What the page, the server and the scenes say to each other, in JSON. A scene is a place that can be looked at: this
 * machine, or a lab. Its process (src/page/scene) looks and acts there; the server only hands messages on.
 *
 *     page ──Ask──▶ server ──SceneAsk──▶ scene         one WebSocket, one pipe for each scene
 *     page ◀─Tell── server ◀─SceneTell── scene
 *
 * A page may be any program that knows the token, and root of a lab may change what its scene says: each side checks
 * what it reads. Types and their checks only, for both sides.
 */
import type { Model } from '../diagnose/graph/model.ts';

/** 'machine', or the id of a lab. */
export type SceneId = string;
export const MACHINE: SceneId = 'machine';

export type SceneAsk =
  /** Of a lab with a lesson. */
  | { readonly ask: 'check' | 'hint' | 'show' | 'next' }
  /** The picture after each step of the lesson, played in a lab of its own. */
  | { readonly ask: 'why'; readonly words: readonly string[] }
  /** What the host has of a container: `inspect --host`. */
  | { readonly ask: 'x-ray'; readonly name: string }
  /** Of an interface: its counters, MTU, addresses. */
  | { readonly ask: 'interface'; readonly inode: number; readonly index: number }
  /** A command line whose steps go on stage, in a lab only. */
  | { readonly ask: 'stage'; readonly words: readonly string[] }
  | { readonly ask: 'stage-step' | 'stage-back' | 'stage-end' };

export type Ask =
  | { readonly id: number; readonly do: 'look' | 'end' | 'reset' | 'goal'; readonly at: SceneId }
  | { readonly id: number; readonly do: 'start'; readonly lesson: string }
  | { readonly id: number; readonly do: 'scene'; readonly at: SceneId; readonly ask: SceneAsk };

export interface Verdict {
  readonly text: string;
  readonly holds: boolean;
}

/** Where the learner is in a lesson. */
export interface LessonState {
  /** The number of steps when all are done. */
  readonly step: number;
  readonly hints: number;
  readonly verdicts: readonly Verdict[];
  /** After the end of a lesson with points. */
  readonly score?: string;
}

export interface Program {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type SceneTell =
  | { readonly tell: 'graph'; readonly model: Model }
  | { readonly tell: 'lesson'; readonly state: LessonState }
  | { readonly tell: 'goal'; readonly step: number; readonly model: Model }
  | { readonly tell: 'stage'; readonly stage: StageTell }
  | { readonly tell: 'stage-at'; readonly at: StageAt }
  | { readonly tell: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly tell: 'error'; readonly id: number; readonly message: string };

/** A step as --explain=json prints it, with its chapter. */
export interface StageStep {
  readonly id: string;
  readonly section: string;
  readonly title: string;
  readonly command: string;
  readonly why: string;
  readonly without: string;
  readonly undo: string;
  readonly look: string | null;
  /** Whether a step back can undo it alone, by its own undo command. */
  readonly reversible: boolean;
}

/** Sent once, since a start has 130 steps; a StageAt follows each. */
export interface StageTell {
  readonly words: readonly string[];
  readonly steps: readonly StageStep[];
}

export interface StageAt {
  /** The number of steps done. */
  readonly done: number;
  readonly state: 'waiting' | 'busy' | 'ended';
  /** What the last step or undo said. */
  readonly note: string;
}

export interface LessonInfo {
  readonly name: string;
  readonly group: string;
  readonly title: string;
  readonly story: string;
  readonly epilogue: string;
  readonly done: readonly string[];
  readonly steps: readonly StepInfo[];
}

export interface StepInfo {
  readonly id: string;
  readonly title: string;
  readonly task: string;
  readonly hints: readonly string[];
  readonly solution: readonly { readonly command: string; readonly why: string }[];
  readonly requirements: readonly string[];
}

export type Tell =
  | {
      readonly type: 'welcome';
      readonly version: string;
      /** Whether the page may act on the machine. */
      readonly actions: boolean;
    }
  | { readonly type: 'lessons'; readonly lessons: readonly LessonInfo[]; readonly labs: readonly string[] }
  | { readonly type: 'scene'; readonly at: SceneId; readonly tell: SceneTell }
  | { readonly type: 'ended'; readonly at: SceneId; readonly why: string }
  /** The lab is there again: "reset" was typed in its shell. */
  | { readonly type: 'begun'; readonly at: SceneId }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly message: string };

/** undefined for anything else. */
export function readAsk(text: string): Ask | undefined {
  const value = parse(text);
  if (!isObject(value) || !isCount(value['id'])) return undefined;
  const { id, at, lesson, ask } = value;
  switch (value['do']) {
    case 'look':
    case 'end':
    case 'reset':
    case 'goal':
      return isName(at) ? { id, do: value['do'], at } : undefined;
    case 'start':
      return isName(lesson) ? { id, do: 'start', lesson } : undefined;
    case 'scene': {
      const asked = readSceneAsk(ask);
      return isName(at) && asked !== undefined ? { id, do: 'scene', at, ask: asked } : undefined;
    }
    default:
      return undefined;
  }
}

export function readSceneAsk(value: unknown): SceneAsk | undefined {
  if (!isObject(value)) return undefined;
  const { ask, words, name, inode, index } = value;
  switch (ask) {
    case 'check':
    case 'hint':
    case 'show':
    case 'next':
    case 'stage-step':
    case 'stage-back':
    case 'stage-end':
      return { ask };
    case 'why':
    case 'stage':
      return isWords(words) ? { ask, words } : undefined;
    case 'x-ray':
      return isWord(name) && !name.startsWith('-') ? { ask, name } : undefined;
    case 'interface':
      return isCount(inode) && isCount(index) ? { ask, inode, index } : undefined;
    default:
      return undefined;
  }
}

/** One line of a scene. Deeper shapes are the page's to check, which shows them. */
export function readSceneTell(line: string): SceneTell | undefined {
  const value = parse(line);
  if (!isObject(value)) return undefined;
  switch (value['tell']) {
    case 'graph':
    case 'goal':
      return isModel(value['model']) ? (value as unknown as SceneTell) : undefined;
    case 'lesson':
      return isObject(value['state']) ? (value as unknown as SceneTell) : undefined;
    case 'stage':
      return isObject(value['stage']) ? (value as unknown as SceneTell) : undefined;
    case 'stage-at':
      return isObject(value['at']) ? (value as unknown as SceneTell) : undefined;
    case 'answer':
    case 'error':
      return isCount(value['id']) ? (value as unknown as SceneTell) : undefined;
    default:
      return undefined;
  }
}

const isModel = (value: unknown): boolean =>
  isObject(value) &&
  isCount(value['here']) &&
  ['namespaces', 'cables', 'published', 'chains'].every((list) => Array.isArray(value[list]));

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // No JSON.
  }
}

type Dictionary = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Dictionary =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
/** Of a scene or a lesson. */
const isName = (value: unknown): value is string =>
  typeof value === 'string' && /^[a-z][a-z0-9-]{0,63}$/.test(value);
const MOST_LETTERS = 1024;
const MOST_WORDS = 64;
const isWord = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= MOST_LETTERS && !value.includes('\0');
const isWords = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.length > 0 && value.length <= MOST_WORDS && value.every(isWord);
