/** The outline in Graphviz' language: `minidock graph --format dot | dot -Tsvg`. */
import type { Edge, Node, Outline } from './outline.ts';

const MARK = '#d9480f';
const BACK = { host: '#f4f8fd', container: '#f3fbf5', namespace: '#fbf8f1' } as const;
const SHAPE: Readonly<Record<Node['kind'], string>> = {
  interface: 'box',
  bridge: 'box3d',
  process: 'ellipse',
  port: 'cds',
};
const EDGE: Readonly<Record<Edge['kind'], string>> = {
  cable: 'penwidth=2',
  port: 'style=solid, color="#90a0ad"',
  uses: 'style=dotted',
  dnat: 'style=dashed, dir=forward, color="#0b6e99"',
};

export function drawDot({ groups, edges }: Outline): string {
  return [
    'graph network {',
    '  graph [rankdir=LR, fontname="sans-serif", nodesep=0.2, ranksep=0.7]',
    '  node [shape=box, fontname="sans-serif", fontsize=11, style=filled, fillcolor=white]',
    '  edge [fontname="sans-serif", fontsize=10]',
    ...groups.flatMap((group) => [
      `  subgraph ${quote(`cluster_${group.id}`)} {`,
      `    label=${quote(group.lines.join('\n'))}; style="rounded,filled"; color=${group.marked ? `"${MARK}"; penwidth=2` : '"#7b8b99"'}; fillcolor="${BACK[group.kind]}"`,
      // A cluster without nodes is not drawn at all.
      ...(group.nodes.length > 0
        ? []
        : [`    ${quote(`${group.id}_nothing`)} [label="", shape=point, style=invis]`]),
      ...group.nodes.map(
        ({ id, lines, kind, marked }) =>
          `    ${quote(id)} [label=${quote(lines.join('\n'))}, shape=${SHAPE[kind]}${marked ? `, color="${MARK}", penwidth=2` : ''}]`,
      ),
      '  }',
    ]),
    ...edges.map(({ from, to, kind, up, marked }) => {
      const looks = [
        EDGE[kind],
        ...(up ? [] : ['style=dashed', 'color="#c92a2a"']),
        ...(marked ? [`color="${MARK}"`, 'penwidth=3'] : []),
      ];
      return `  ${quote(from)} -- ${quote(to)} [${looks.join(', ')}]`;
    }),
    '}',
    '',
  ].join('\n');
}

/** `\n` is a new line; other backslashes are literal. */
const quote = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;
