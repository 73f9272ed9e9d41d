/** Steps on the host as lines of bash: each is skipped if its effect is there, and notes its undo before it runs. */
import type { HostCommand } from '../../../runtime/plan/command.ts';
import { quoteWord, renderArgv } from '../../../runtime/plan/quote.ts';
import { renderCommand } from '../../../runtime/plan/render.ts';
import type { Check, HostStep } from '../../../runtime/plan/step.ts';
import type { Argv } from '../../../runtime/plan/argv.ts';
import { indented, remark, stepComment, type Numbered } from './comment.ts';

export function hostStep(numbered: Numbered & { readonly step: HostStep }): string {
  const { step } = numbered;
  const lines = [...alone(step), ...undoing(step), ...commands(step.command)];
  const body =
    step.check === undefined
      ? lines.map((line) => indented(line))
      : [`  if ! ${condition(step.check)}; then`, ...lines.map((line) => indented(line, '    ')), '  fi'];
  return [stepComment(numbered), ...body].join('\n');
}

function commands(command: HostCommand): readonly string[] {
  const text = renderCommand(command);
  if (command.kind === 'forget-flows') return [forgetting(command)];
  if (command.kind !== 'filter-devices') return [text];
  return [
    remark('No tool makes this call, so this container may use any device it can make a node of:', '', ''),
    text,
  ];
}

function undoing({ undo }: HostStep): readonly string[] {
  if (undo.kind !== 'command') return [];
  return [`undo_later ${quoteWord(undoCommand(undo.command))}`];
}

export function undoCommand(command: HostCommand): string {
  if (command.kind === 'rmdir') return renderArgv(['remove_group', command.path]);
  return command.kind === 'forget-flows' ? forgetting(command) : renderCommand(command);
}

/** conntrack(8) fails if there was nothing to delete, and few hosts have it. */
const forgetting = (command: HostCommand): string =>
  `{ ${renderCommand(command).replaceAll('\n', '; ')}; } >/dev/null 2>&1 || :`;

/** Another container's element must not pass for ours, least of all in the undo. */
function alone({ undo }: HostStep): readonly string[] {
  if (undo.kind !== 'command' || undo.command.kind !== 'run') return [];
  const [program, verb, ...rest] = undo.command.argv;
  if (program !== 'nft' || verb !== 'delete') return [];
  const taken = quiet(['nft', 'get', ...rest]);
  return [`! ${taken} || fail ${quoteWord('published already by another container')}`];
}

const quiet = (argv: Argv): string => `${renderArgv(argv)} >/dev/null 2>&1`;

function condition(check: Check): string {
  switch (check.kind) {
    case 'path-exists':
      return `[[ -e ${quoteWord(check.path)} ]]`;
    case 'file-contains':
      return `holds ${quoteWord(check.path)} ${quoteWord(check.text)}`;
    case 'run':
      return quiet(check.argv);
    case 'all':
      return `{ ${check.checks.map(condition).join(' && ')}; }`;
  }
}
