/** `inspect --host --format table`: the same for people, one heading for each part, commands ready to be pasted. */
import { printable } from '../../../runtime/printable.ts';
import { noColors, type Colors } from '../../ui/colors.ts';
import type { HostView } from './host-view.ts';
import { depthOf } from './processes.ts';

type Cells = readonly string[];

export function hostTable(view: HostView, colors: Colors = noColors): string {
  const { bold, yellow, dim } = colors;
  const { Overlay, Processes } = view;
  const none = view.Running ? 'none' : 'none: it does not run';
  const parts: readonly (readonly [string, readonly Cells[]])[] = [
    [
      'Cable',
      view.Cables.map((cable) => [
        `${cable.HostName} #${cable.HostIndex}`,
        cable.Bridge === '' ? 'in no bridge' : `port of ${cable.Bridge} #${cable.BridgeIndex}`,
        `${cable.ContainerName} #${cable.ContainerIndex} inside`,
        cable.Addresses.filter((one) => !one.startsWith('fe80:')).join(' '),
        cable.Up ? '' : 'DOWN',
      ]),
    ],
    [
      'Namespaces',
      [
        ...view.Namespaces.map(({ Type, Inode, Shared, With, Enter }) => [
          Type,
          String(Inode),
          Shared ? "the host's own" : Enter,
          With.length === 0 ? '' : `shared with ${With.join(', ')}`,
        ]),
        ...(view.EnterAll === '' ? [] : [['all', '', view.EnterAll]]),
      ],
    ],
    [
      'Users',
      view.Users.map(({ Inside, OnHost, Count }) => [
        `${Inside} to ${Inside + Count - 1} inside`,
        `${OnHost} to ${OnHost + Count - 1} on the host`,
      ]),
    ],
    [
      'Control groups',
      view.Cgroups.map(({ Tree, Path, Directory }) => [Tree, Directory === '' ? Path : Directory]),
    ],
    [
      'Root filesystem (overlay)',
      [
        ...Overlay.LowerDirs.map((path, i) => [i === 0 ? 'lower' : '', path]),
        ['upper', Overlay.UpperDir],
        ['work', Overlay.WorkDir],
        ['merged', Overlay.MergedDir],
        ...(Overlay.SeenFromHost === '' ? [] : [['seen at', Overlay.SeenFromHost]]),
      ],
    ],
    ['Firewall rules', view.Rules.map(({ Tool, Where, Rule }) => [`${Tool} ${Where}`, Rule])],
    ['Journal, undone from the last to the first', view.Journal.map(({ Step, Undo }) => [Step, Undo])],
    [
      'Processes',
      Processes.map((one) => [
        `${'  '.repeat(depthOf(one, Processes))}${one.Pid}`,
        one.InnerPid === 0 ? 'outside' : `${one.InnerPid} inside`,
        one.Role,
        shorten(one.Command),
      ]),
    ],
  ];
  const lines = parts.flatMap(([title, rows]) => [
    '',
    bold(title),
    ...(rows.length === 0
      ? [`  ${dim(title === 'Users' && view.Running ? "the host's own" : none)}`]
      : align(rows)),
  ]);
  const wrong = view.Disagreements.map((text) => yellow(`  ! ${printable(text)}`));
  const heading = `${bold(view.Name.slice(1))}  ${dim(view.Id)}`;
  return [
    heading,
    ...lines,
    ...(wrong.length === 0 ? [] : ['', bold('Records and kernel disagree'), ...wrong]),
    '',
  ].join('\n');
}

/** The shim's own words hold all it has to remember. */
const shorten = (text: string): string => (text.length > 60 ? `${text.slice(0, 59)}…` : text);

/** Columns as wide as their widest cell; further lines of a cell hang below it. */
function align(rows: readonly Cells[]): readonly string[] {
  const flat = rows.flatMap((cells) => {
    const split = cells.map((cell) => printable(cell).split('\n'));
    const height = Math.max(...split.map(({ length }) => length));
    return Array.from({ length: height }, (_, i) => split.map((lines) => lines[i] ?? ''));
  });
  const widths = (flat[0] ?? []).map((_, column) =>
    Math.max(...flat.map((cells) => cells[column]?.length ?? 0)),
  );
  return flat.map((cells) => `  ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd());
}
