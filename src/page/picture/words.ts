/**
 * The picture in words, for a screen reader and for reading: what there is, and what is connected to
 * what. Each part that can have the focus has its sentence, by the part's key. Pure.
 */
import { refKey, shownAddresses, type Model, type Namespace } from '../../diagnose/graph/model.ts';

export interface Words {
  /** A sentence or two about the whole. */
  readonly summary: string;
  /** By the keys of nodes.ts. */
  readonly parts: ReadonlyMap<string, string>;
  /** Each namespace with its interfaces. */
  readonly list: readonly { readonly title: string; readonly lines: readonly string[] }[];
}

/** The key of a cable among the parts: an open one has the same key as its end. */
export const cableNode = (key: string): string => `cable ${key}`;

/** Names that the summary lists. */
const MOST = 8;

/** @param missing keys of parts that only the goal has. */
export function wordsFor(model: Model, missing: ReadonlySet<string> = new Set()): Words {
  const names = new Map<string, string>();
  for (const { inode, label, interfaces } of model.namespaces)
    for (const { index, name } of interfaces) names.set(refKey({ inode, index }), `${name} in ${label}`);
  const said = (key: string, words: string): string => (missing.has(key) ? `Not there yet: ${words}` : words);
  const nameOf = (key: string): string => names.get(key) ?? 'an end that cannot be seen';
  const far = new Map<string, string>();
  const parts = new Map<string, string>();
  for (const { a, b } of model.cables) {
    const ends = [a, ...(b === undefined ? [] : [b])].map(refKey);
    const [first = '', second = ''] = ends;
    far.set(first, nameOf(second));
    if (second !== '') far.set(second, nameOf(first));
    const key = ends.join('-');
    parts.set(cableNode(key), said(key, `Cable between ${nameOf(first)} and ${nameOf(second)}`));
  }
  const list = model.namespaces.map((namespace) => {
    const { inode, interfaces } = namespace;
    const title = said(String(inode), titleOf(namespace, model));
    parts.set(String(inode), title);
    const lines = interfaces.map((link) => {
      const key = refKey({ inode, index: link.index });
      const bridge = interfaces.find(({ index }) => index === link.master);
      const cable = far.get(key);
      const words = [
        link.kind === 'loopback' ? 'loopback' : link.kind,
        link.up ? (link.carrier ? 'up' : 'up but without carrier') : 'down',
        ...shownAddresses(link),
        ...(bridge === undefined ? [] : [`port of ${bridge.name}`]),
        ...(cable === undefined ? [] : [`cable to ${cable}`]),
      ];
      const line = said(key, `${link.name}: ${words.join(', ')}`);
      parts.set(key, line);
      return line;
    });
    return { title, lines };
  });
  return { summary: summaryOf(model), parts, list };
}

function titleOf({ inode, kind, label, containers, interfaces }: Namespace, { here }: Model): string {
  const count = `${interfaces.length} ${interfaces.length === 1 ? 'interface' : 'interfaces'}`;
  if (inode === here) return `This host: ${count}`;
  const [container] = containers;
  return kind === 'container'
    ? `Container ${label}${container === undefined ? '' : `, image ${container.image}`}: ${count}`
    : `Network namespace ${label}: ${count}`;
}

function summaryOf({ namespaces, cables, forwarding }: Model): string {
  const labels = namespaces.slice(1).map(({ label }) => label);
  const more = labels.length > MOST ? ` and ${labels.length - MOST} more` : '';
  const others =
    labels.length === 0
      ? 'This host alone'
      : `This host, and ${labels.length} ${labels.length === 1 ? 'namespace' : 'namespaces'} beside it: ${labels.slice(0, MOST).join(', ')}${more}`;
  const joined = `${cables.length} ${cables.length === 1 ? 'cable' : 'cables'}`;
  return `${others}. ${joined}. Forwarding is ${forwarding ? 'on' : 'off'}.`;
}
