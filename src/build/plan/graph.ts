/** Which stages the target needs, and what each begins with. Pure: a plan touches nothing. */
import { BuildError, syntaxError } from '../errors.ts';
import type { Dockerfile, StageText } from '../parse/dockerfile.ts';
import type { Instruction } from '../parse/instruction.ts';
import { expandWord, WordError, type Variables } from '../parse/shell-words.ts';

export type Base =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'stage'; readonly index: number }
  | { readonly kind: 'image'; readonly name: string }
  /** Of --build-context. */
  | { readonly kind: 'context'; readonly name: string };

export interface PlannedStage {
  readonly text: StageText;
  readonly base: Base;
  readonly platform: string | undefined;
  /** 'name' or 'stage-1'. */
  readonly label: string;
  /** Of the stages that it takes files from, its base included. */
  readonly needs: readonly number[];
}

export interface BuildPlan {
  readonly escape: string;
  /** In the file's order. */
  readonly stages: readonly PlannedStage[];
  readonly target: number;
  /** Values that an ARG of a stage may take up. */
  readonly globals: Variables;
}

export interface PlanRequest {
  readonly target?: string | undefined;
  readonly buildArgs: Variables;
  /** 'linux/amd64' */
  readonly platform: string;
  /** Names of --build-context, which go before stages and images. */
  readonly contexts?: ReadonlySet<string>;
}

/** @throws BuildError for a stage that is not there, and for a circle. */
export function planBuild(dockerfile: Dockerfile, request: PlanRequest): BuildPlan {
  const { escape } = dockerfile.directives;
  const globals = globalArgs(dockerfile, request);
  const all = dockerfile.stages.map((text) =>
    planStage(dockerfile, text, globals, request.contexts ?? new Set()),
  );
  const target = findTarget(all, request.target);
  const needed = new Set<number>();
  const visit = (index: number): void => {
    if (needed.has(index)) return;
    needed.add(index);
    all[index]?.needs.forEach(visit);
  };
  visit(target);
  return { escape, globals, target, stages: all.filter(({ text }) => needed.has(text.index)) };
}

function globalArgs(dockerfile: Dockerfile, { buildArgs, platform }: PlanRequest): Variables {
  const [os = '', architecture = '', variant = ''] = platform.split('/');
  const globals = new Map<string, string>();
  for (const prefix of ['BUILD', 'TARGET']) {
    globals.set(`${prefix}PLATFORM`, platform);
    globals.set(`${prefix}OS`, os);
    globals.set(`${prefix}ARCH`, architecture);
    globals.set(`${prefix}VARIANT`, variant);
  }
  for (const { args, lines } of dockerfile.args) {
    for (const [name, value] of args) {
      const given = buildArgs.get(name);
      if (given !== undefined) globals.set(name, given);
      else if (value !== undefined)
        globals.set(
          name,
          inLine(lines, () => expandWord(value, globals, dockerfile.directives.escape)),
        );
    }
  }
  return globals;
}

/** @throws BuildError for a word that makes no sense. */
export function inLine<T>(lines: Instruction['lines'], work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof WordError ? syntaxError(error.message, lines) : error;
  }
}

function planStage(
  { stages, directives: { escape } }: Dockerfile,
  text: StageText,
  globals: Variables,
  contexts: ReadonlySet<string>,
): PlannedStage {
  const { from, index } = text;
  const name = inLine(from.lines, () => expandWord(from.image, globals, escape));
  if (name === '') throw syntaxError(`base name (${from.image}) should not be blank`, from.lines);
  const platform =
    from.platform && inLine(from.lines, () => expandWord(from.platform ?? '', globals, escape));
  const isContext = contexts.has(name.toLowerCase());
  const parent = isContext ? undefined : findStage(stages, name, index, false);
  const base: Base = isContext
    ? { kind: 'context', name: name.toLowerCase() }
    : parent !== undefined
      ? { kind: 'stage', index: parent }
      : name === 'scratch'
        ? { kind: 'scratch' }
        : { kind: 'image', name };
  const sources = text.instructions
    .flatMap(sourcesOf)
    .filter((source) => !contexts.has(source.toLowerCase()))
    .map((source) => findStage(stages, source, index, true));
  const needs = [
    ...(parent === undefined ? [] : [parent]),
    ...sources.filter((found) => found !== undefined),
  ];
  return { text, base, platform, label: text.name ?? `stage-${String(index)}`, needs: [...new Set(needs)] };
}

const sourcesOf = (instruction: Instruction): readonly string[] => {
  if (instruction.kind === 'COPY') return instruction.from === undefined ? [] : [instruction.from];
  if (instruction.kind !== 'RUN') return [];
  return instruction.mounts.flatMap((mount) => mount.get('from') ?? []);
};

/** The last one of that name before `before`, or with `numbers` the one of that number. */
export function findStage(
  stages: readonly StageText[],
  name: string,
  before: number,
  numbers: boolean,
): number | undefined {
  const earlier = stages.filter((stage) => stage.index < before);
  const found = earlier.findLast((stage) => stage.name === name.toLowerCase())?.index;
  if (found !== undefined || !numbers || !/^\d+$/.test(name)) return found;
  return earlier.find(({ index }) => index === Number(name))?.index;
}

function findTarget(stages: readonly PlannedStage[], name: string | undefined): number {
  if (name === undefined || name === '') return stages.length - 1;
  const found = stages.findLast(({ text }) => text.name === name.toLowerCase());
  if (found !== undefined) return found.text.index;
  throw new BuildError({
    code: 'NO_SUCH_STAGE',
    message: `target stage "${name}" could not be found`,
    hint: `The Dockerfile has ${stages.map(({ label }) => label).join(', ')}.`,
  });
}
