/** A Dockerfile: global ARGs, then stages, each from its FROM to the next. */
import { syntaxError } from '../errors.ts';
import { parseDocument, type Document } from './document.ts';
import type { FromInstruction, Instruction } from './instruction.ts';
import { parseInstruction } from './instructions.ts';

export type ArgInstruction = Extract<Instruction, { readonly kind: 'ARG' }>;

export interface StageText {
  readonly from: FromInstruction;
  /** Lower case; without one the stage has its number alone. */
  readonly name: string | undefined;
  readonly index: number;
  readonly instructions: readonly Instruction[];
}

export interface Dockerfile extends Document {
  /** Before the first FROM. */
  readonly args: readonly ArgInstruction[];
  readonly stages: readonly StageText[];
}

/** @throws BuildError 'DOCKERFILE_SYNTAX'. */
export function parseDockerfile(text: string): Dockerfile {
  const document = parseDocument(text);
  const { directives, instructions } = document;
  const args: ArgInstruction[] = [];
  const stages: (StageText & { readonly instructions: Instruction[] })[] = [];
  for (const raw of instructions) {
    const instruction = parseInstruction(raw, directives.escape);
    const stage = stages.at(-1);
    if (instruction.kind === 'FROM') {
      const { name } = instruction;
      stages.push({ from: instruction, name, index: stages.length, instructions: [] });
    } else if (stage !== undefined) stage.instructions.push(instruction);
    else if (instruction.kind === 'ARG') args.push(instruction);
    else throw syntaxError('no build stage in current context', instruction.lines);
  }
  if (instructions.length === 0) throw syntaxError('file with no instructions');
  if (stages.length === 0) throw syntaxError('no build stage in current context');
  return { ...document, args, stages };
}
