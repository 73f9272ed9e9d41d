/** The outline as a Mermaid flowchart, which GitHub and many editors draw inside a text. */
import type { Edge, Node, Outline } from './outline.ts';

export function drawMermaid({ groups, edges }: Outline): string {
  const nodes = groups.flatMap((group) => group.nodes);
  const marked = nodes.filter((node) => node.marked).map(({ id }) => id);
  const lit = edges.flatMap((edge, i) => (edge.marked ? [i] : []));
  return [
    'flowchart LR',
    ...groups.flatMap((group) => [
      `  subgraph ${group.id}[${quote(group.lines)}]`,
      ...(group.nodes.length > 0 ? [] : [`    ${group.id}_nothing[" "]`]),
      ...group.nodes.map((node) => `    ${node.id}${shape(node)}`),
      '  end',
    ]),
    ...edges.map((edge) => `  ${edge.from} ${line(edge)} ${edge.to}`),
    '  classDef host fill:#f4f8fd,stroke:#7b8b99',
    '  classDef container fill:#f3fbf5,stroke:#7b8b99',
    '  classDef namespace fill:#fbf8f1,stroke:#7b8b99',
    '  classDef marked stroke:#d9480f,stroke-width:3px',
    ...groups.map(({ id, kind }) => `  class ${id} ${kind}`),
    ...(marked.length === 0 ? [] : [`  class ${marked.join(',')} marked`]),
    ...(lit.length === 0 ? [] : [`  linkStyle ${lit.join(',')} stroke:#d9480f,stroke-width:3px`]),
    '',
  ].join('\n');
}

function shape({ kind, lines }: Node): string {
  const text = quote(lines);
  switch (kind) {
    case 'interface':
      return `[${text}]`;
    case 'bridge':
      return `[[${text}]]`;
    case 'process':
      return `([${text}])`;
    case 'port':
      return `>${text}]`;
  }
}

function line({ kind, up }: Edge): string {
  if (!up) return '-. down .-';
  switch (kind) {
    case 'cable':
      return '===';
    case 'port':
      return '---';
    case 'uses':
      return '-.-';
    case 'dnat':
      return '-. DNAT .->';
  }
}

/** Inside quotes nearly everything is text; entities replace the rest, and what Markdown would interpret. */
const quote = (lines: readonly string[]): string =>
  `"${lines.map((text) => text.replace(/[#"<>&`*_\\;]/g, (char) => `#${char.charCodeAt(0)};`)).join('<br/>')}"`;
