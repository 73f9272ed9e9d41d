/** `build --dry-run`: the stages that the target needs, and what each instruction would do. */
import { posix } from 'node:path';
import type { Instruction } from './parse/instruction.ts';
import type { BuildPlan, PlannedStage } from './plan/graph.ts';

/** `outcomes`: of the instructions that make layers. */
export function explainPlan(plan: BuildPlan, outcomes: ReadonlyMap<Instruction, string>): string {
  const names = new Map(plan.stages.map(({ text, label }) => [text.index, label]));
  const stages = plan.stages.map((stage) => {
    const needs = stage.needs.map((index) => names.get(index) ?? String(index));
    const isTarget = stage.text.index === plan.target ? ', the target' : '';
    const from = needs.length === 0 ? '' : `, needs ${needs.join(' and ')}`;
    const steps = stage.text.instructions.map((instruction) => {
      const outcome = outcomes.get(instruction);
      const shown = `  ${instruction.text}\n      ${effectOf(instruction)}`;
      return outcome === undefined ? shown : `${shown}\n      ${outcome}`;
    });
    return [
      `Stage ${stage.label}${isTarget}${from}`,
      `  ${stage.text.from.text}\n      ${base(stage, names)}`,
      ...steps,
    ].join('\n');
  });
  return `${stages.join('\n\n')}\n`;
}

function base({ base: found }: PlannedStage, names: ReadonlyMap<number, string>): string {
  switch (found.kind) {
    case 'scratch':
      return 'begins without files';
    case 'stage':
      return `begins with the layers and the configuration of stage ${names.get(found.index) ?? ''}`;
    case 'context':
      return `begins with the build context ${found.name}`;
    case 'image':
      return `begins with the image ${found.name}: pulled if it is not here, its layers become the overlay's lower directories`;
  }
}

/** What it does to files and configuration. */
export function effectOf(instruction: Instruction): string {
  switch (instruction.kind) {
    case 'RUN':
      return "files: runs a container over the layers so far; its overlay's upper directory becomes a layer";
    case 'COPY':
    case 'ADD':
      return `files: copies into ${posix.normalize(instruction.destination)}${instruction.from === undefined ? ' from the context' : ` from ${instruction.from}`}; the copy becomes a layer`;
    case 'WORKDIR':
      return 'files: makes the directory if it is missing, as a layer; configuration: WorkingDir';
    case 'ARG':
      return 'a variable of this stage; nothing of the image';
    case 'FROM':
      return '';
    default:
      return `configuration: ${CONFIGURES[instruction.kind]}`;
  }
}

const CONFIGURES: Readonly<
  Record<Exclude<Instruction['kind'], 'RUN' | 'COPY' | 'ADD' | 'WORKDIR' | 'ARG' | 'FROM'>, string>
> = {
  ENV: 'Env',
  LABEL: 'Labels',
  CMD: 'Cmd',
  ENTRYPOINT: 'Entrypoint, and no Cmd of the base image',
  EXPOSE: 'ExposedPorts',
  VOLUME: 'Volumes',
  SHELL: 'Shell',
  USER: 'User',
  STOPSIGNAL: 'StopSignal',
  MAINTAINER: 'author',
  ONBUILD: 'OnBuild',
  HEALTHCHECK: 'Healthcheck',
};
