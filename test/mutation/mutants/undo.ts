/** The journal, taking back, and what a failed or killed start leaves. */
import { mutantsOf } from '../mutant.ts';

export const undo = [
  ...mutantsOf(
    'runtime/plan/undo.ts',
    ['[...journal.read()].reverse()', '[...journal.read()]', 'unit/runtime/plan/apply'],
    ['if (report.failures.length === 0) journal.remove();', 'journal.remove();', 'unit/runtime/plan/apply'],
    [
      'return isGone(undo, error) ? undefined : (error as Error).message;',
      'return (error as Error).message;',
      'unit/runtime/plan/apply|e2e/faults/fault\\.',
    ],
    [
      'return isGone(undo, error) ? undefined : (error as Error).message;',
      'return undefined;',
      'unit/runtime/plan/apply',
    ],
    [
      'const together = group.length > 1 && (await undoTogether(group));',
      'const together = group.length > 1;',
      'unit/runtime/plan/apply|e2e/containers/run\\. -t journal|undo|ports of which',
    ],
  ),
  ...mutantsOf(
    'runtime/plan/journal.ts',
    [
      "const complete = text.slice(0, text.lastIndexOf('\\n') + 1);",
      'const complete = text;',
      'unit/runtime/plan|e2e/faults/crash\\.',
    ],
    ["undo.kind === 'command' || undo.kind === 'freedBy'", "undo.kind === 'command'", 'unit/runtime/plan'],
  ),
  ...mutantsOf(
    'runtime/plan/apply.ts',
    ['    journal.record(group.steps);\n', '', 'unit/runtime/plan/apply|e2e/faults/fault\\.'],
    [
      'const step = failingStep(group, error.stderr) ?? first;',
      'const step = first;',
      'unit/runtime/plan/(apply|fold)|e2e/faults/fault\\.',
    ],
  ),
  ...mutantsOf(
    'src/engine/shim/exit.ts',
    [
      "const report = await span('undo', 'undo', () => undoJournal(journalOf(parts)));",
      'const report = { undone: [], failures: [] };',
      'e2e/faults/fault\\. -t process.exec',
    ],
    [
      "const undone = await span('undo', 'undo', () => undoRun(store.paths, { config, ran: true, network }));",
      'const undone = { undone: [], failures: [] };',
      'e2e/containers/lifecycle\\. -t stopping leaves',
    ],
    [
      "span('state', 'release the network', () => releaseNetwork(store.paths, config.id, ports, held));",
      '',
      'e2e/containers/lifecycle\\. -t stopping leaves',
    ],
    [
      '  releaseNetwork(store.paths, config.id, ports);\n  const wire',
      '  const wire',
      'e2e/faults/fault\\. -t process.exec',
    ],
  ),
  ...mutantsOf(
    'src/engine/recovery.ts',
    [
      'await undoRun(store.paths, { config, ran, network: state.network });',
      'undoRun.toString();',
      'e2e/faults/crash\\. -t shim is killed|while it starts',
    ],
    [
      '      releaseLeases(store.paths, id, state);\n',
      '',
      'e2e/\\S+/(crash|doctor)\\. -t shim|while it starts',
    ],
    [
      'if (config.spec.autoRemove) {',
      'if (config.spec.autoRemove && config.id === "") {',
      'e2e/\\S+/(crash|lifecycle)\\.',
    ],
    [
      'exitCode: ran ? UNKNOWN_STATUS : state.exitCode,',
      'exitCode: 0,',
      'e2e/faults/crash\\. -t shim is killed',
    ],
  ),
];
