/** Checks of stages and of what their instructions say. Pure. */
import type { IgnoreRules } from '../context/ignore.ts';
import { cleanPath } from '../context/source-tree.ts';
import type { Dockerfile, StageText } from '../parse/dockerfile.ts';
import type { Instruction } from '../parse/instruction.ts';
import { expandWord, undefinedVariables, WordError, type Variables } from '../parse/shell-words.ts';
import type { Finding } from './finding.ts';

const RESERVED = ['context', 'scratch'];
const SECRET = /(?:^|_)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const PUBLIC = /(?:^|_)public(?:_|$)/i;
const LAST_ONE_COUNTS = ['CMD', 'ENTRYPOINT', 'HEALTHCHECK'];

export interface StageScope {
  readonly globals: Variables;
  readonly buildArgs: Variables;
  readonly rules: IgnoreRules;
  /** Names of the variables that a base image sets; undefined where the image is not here. */
  readonly baseEnv: (image: string) => readonly string[] | undefined;
}

export function checkStages(dockerfile: Dockerfile, scope: StageScope): readonly Finding[] {
  const { stages, args, directives } = dockerfile;
  const found: Finding[] = [];
  const names = new Set<string>();
  const known: (Set<string> | undefined)[] = [];
  const declared = new Set([
    ...scope.globals.keys(),
    ...args.flatMap((arg) => arg.args.map(([name]) => name)),
  ]);
  for (const { args: pairs, lines } of args)
    for (const [name] of pairs) found.push(...secrets('ARG', name, lines));
  for (const stage of stages) {
    const { from, name } = stage;
    const { lines } = from;
    const report = (rule: string, message: string): void => void found.push({ rule, message, lines });
    if (name !== undefined) {
      if (names.has(name))
        report('DuplicateStageName', `Duplicate stage name "${name}", stage names should be unique`);
      if (RESERVED.includes(name))
        report('ReservedStageName', `Stage name should not use the same name as reserved stage "${name}"`);
      names.add(name);
    }
    for (const missing of undefinedVariables(from.image, new Map([...declared].map((each) => [each, '']))))
      report('UndefinedArgInFrom', `FROM argument '${missing}' is not declared`);
    checkPlatform(from.platform, report);
    checkDefault(stage, dockerfile, report);
    const parent = stages.findLast((one) => one.index < stage.index && one.name === from.image.toLowerCase());
    const base =
      parent !== undefined
        ? known[parent.index]
        : from.image === 'scratch'
          ? new Set<string>()
          : asSet(scope.baseEnv(expand(from.image, scope.globals)));
    known.push(checkInstructions(stage, base && new Set(base), scope, directives.escape, found));
  }
  return found;
}

const asSet = (names: readonly string[] | undefined): Set<string> | undefined => names && new Set(names);

const expand = (word: string, variables: Variables): string => {
  try {
    return expandWord(word, variables);
  } catch (error) {
    if (error instanceof WordError) return word; // The build itself reports it.
    throw error;
  }
};

type Report = (rule: string, message: string) => void;

function checkPlatform(platform: string | undefined, report: Report): void {
  if (platform === undefined) return;
  const [, name] = /^\$\{?(TARGETPLATFORM)\}?$/.exec(platform) ?? [];
  if (name !== undefined)
    report(
      'RedundantTargetPlatform',
      `Setting platform to predefined $${name} in FROM is redundant as this is the default behavior`,
    );
  if (!platform.includes('$'))
    report(
      'FromPlatformFlagConstDisallowed',
      `FROM --platform flag should not use constant value "${platform}"`,
    );
}

function checkDefault({ from }: StageText, { args }: Dockerfile, report: Report): void {
  const defaults = new Map(
    args.flatMap((arg) => arg.args.map(([name, value]) => [name, value ?? ''] as const)),
  );
  if (!from.image.includes('$')) return;
  const image = expand(from.image, defaults);
  if (image === '' || /[:@]$|^[:@]/.test(image))
    report(
      'InvalidDefaultArgInFrom',
      `Default value for ARG ${from.image} results in empty or invalid base image name`,
    );
}

/** Adds to `found`; returns the variables known at the stage's end. */
function checkInstructions(
  stage: StageText,
  base: Set<string> | undefined,
  { rules, globals }: StageScope,
  escape: string,
  found: Finding[],
): Set<string> | undefined {
  const known = base;
  known?.add('PATH');
  let hasShell = false;
  let hasWorkdir = false;
  const last = new Map<string, Instruction>();
  for (const instruction of stage.instructions) {
    const { lines, kind } = instruction;
    const report: Report = (rule, message) => void found.push({ rule, message, lines });
    if (known !== undefined)
      for (const name of wordsOf(instruction).flatMap((word) =>
        undefinedVariables(word, new Map([...known].map((each) => [each, ''])), escape),
      ))
        report('UndefinedVar', `Usage of undefined variable '$${name}'`);
    if (LAST_ONE_COUNTS.includes(kind)) {
      const before = last.get(kind);
      if (before !== undefined)
        found.push({
          rule: 'MultipleInstructionsDisallowed',
          message: `Multiple ${kind} instructions should not be used in the same stage because only the last one will be used`,
          lines: before.lines,
        });
      last.set(kind, instruction);
    }
    switch (instruction.kind) {
      case 'ARG':
        for (const [name] of instruction.args) {
          found.push(...secrets('ARG', name, lines));
          known?.add(name);
        }
        break;
      case 'ENV':
      case 'LABEL':
        if (instruction.kind === 'ENV')
          for (const [name] of instruction.pairs) {
            found.push(...secrets('ENV', name, lines));
            known?.add(name);
          }
        if (/^(ENV|LABEL)\s+[^\s="']+\s/i.test(instruction.text))
          report(
            'LegacyKeyValueFormat',
            `"${kind} key=value" should be used instead of legacy "${kind} key value" format`,
          );
        break;
      case 'SHELL':
        hasShell = true;
        break;
      case 'CMD':
      case 'ENTRYPOINT':
        if (instruction.command.form === 'shell' && !hasShell)
          report(
            'JSONArgsRecommended',
            `JSON arguments recommended for ${kind} to prevent unintended behavior related to OS signals`,
          );
        break;
      case 'MAINTAINER':
        report('MaintainerDeprecated', 'Maintainer instruction is deprecated in favor of using label');
        break;
      case 'WORKDIR':
        if (!instruction.value.startsWith('/') && !instruction.value.startsWith('$') && !hasWorkdir)
          report(
            'WorkdirRelativePath',
            `Relative workdir "${instruction.value}" can have unexpected results if the base image changes`,
          );
        else hasWorkdir = true;
        break;
      case 'EXPOSE':
        for (const word of instruction.words) checkPort(word, report);
        break;
      case 'COPY':
      case 'ADD':
        if (instruction.from === undefined)
          for (const source of instruction.sources.filter((each) => !/[*?[$]|:\/\//.test(each)))
            if (rules.ignores(cleanPath(source).join('/')))
              report(
                'CopyIgnoredFile',
                `Attempting to ${kind === 'COPY' ? 'Copy' : 'Add'} file "${source}" that is excluded by .dockerignore`,
              );
        break;
      default:
    }
  }
  void globals;
  return known;
}

function checkPort(word: string, report: Report): void {
  const [, protocol] = /\/([A-Za-z]+)$/.exec(word) ?? [];
  if (protocol !== undefined && protocol !== protocol.toLowerCase())
    report('ExposeProtoCasing', `Defined protocol '${word}' in EXPOSE instruction should be lowercase`);
  if (word.includes(':') && !word.includes('$'))
    report(
      'ExposeInvalidFormat',
      `EXPOSE instruction should not define an IP address or host-port mapping, found '${word}'`,
    );
}

const secrets = (kind: 'ARG' | 'ENV', name: string, lines: Finding['lines']): readonly Finding[] =>
  SECRET.test(name) && !PUBLIC.test(name)
    ? [
        {
          rule: 'SecretsUsedInArgOrEnv',
          message: `Do not use ARG or ENV instructions for sensitive data (${kind} "${name}")`,
          lines,
        },
      ]
    : [];

/** Those in which the builder puts variables in; RUN and the like leave that to their shell. */
function wordsOf(instruction: Instruction): readonly string[] {
  switch (instruction.kind) {
    case 'ARG':
      return instruction.args.flatMap(([, value]) => value ?? []);
    case 'ENV':
    case 'LABEL':
      return instruction.pairs.map(([, value]) => value);
    case 'EXPOSE':
    case 'VOLUME':
      return instruction.words;
    case 'WORKDIR':
    case 'USER':
    case 'STOPSIGNAL':
      return [instruction.value];
    case 'COPY':
    case 'ADD':
      return [
        ...instruction.sources,
        instruction.destination,
        instruction.chown ?? '',
        instruction.chmod ?? '',
      ];
    default:
      return [];
  }
}
