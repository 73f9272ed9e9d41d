/**
 * A model as a set of facts, to compare two models. The key of a fact consists of the kernel's numbers, its text of
 * names. Derived properties (carrier) and orders are no facts.
 */
import {
  findEnd,
  shownAddresses,
  type EndRef,
  type Model,
  type Namespace,
  askedPlace,
  targetPlace,
} from './model.ts';

/** Key to sentence. */
export type Facts = Readonly<Record<string, string>>;

export function factsOf(model: Model): Facts {
  return Object.fromEntries([
    ...model.namespaces.flatMap(ofNamespace),
    ...model.cables.flatMap(({ a, b }): readonly Fact[] => {
      const ends = [a, b].map((end) => endText(model, end));
      return [[`cable ${keyOf(a)} ${b === undefined ? '' : keyOf(b)}`, `cable: ${ends.join(' - ')}`]];
    }),
    ...model.published.map((port): Fact => {
      const text = `${port.protocol} ${askedPlace(port)} leads to ${targetPlace(port)}`;
      return [`port ${text}`, text];
    }),
    ...model.chains.flatMap(({ tool, table, name, policy = '', rules }): readonly Fact[] => {
      const chain = `${tool} ${table} ${name}`;
      const policies: readonly Fact[] =
        policy === '' ? [] : [[`${chain} policy ${policy}`, `${chain}: policy ${policy}`]];
      return [...policies, ...rules.map((rule): Fact => [`${chain} ${rule}`, `${chain}: ${rule}`])];
    }),
    [`forwarding ${model.forwarding}`, `forwarding is ${model.forwarding ? 'on' : 'off'}`],
  ]);
}

type Fact = readonly [key: string, text: string];

const keyOf = ({ inode, index }: EndRef): string => `${inode}/${index}`;

function endText(model: Model, end: EndRef | undefined): string {
  const found = end === undefined ? undefined : findEnd(model, end);
  return found === undefined ? 'somewhere unseen' : `${found.link.name} of ${found.namespace.label}`;
}

function ofNamespace({ inode, label, interfaces, routes, processes }: Namespace): readonly Fact[] {
  const fact = (key: string, text: string): Fact => [`${inode} ${key}`, `${label}: ${text}`];
  return [
    [String(inode), `${label}:`],
    ...interfaces.flatMap((link): readonly Fact[] => {
      const { index, name, up, master } = link;
      const bridge = interfaces.find((one) => one.index === master)?.name;
      return [
        fact(`${index} ${name}`, name),
        fact(`${index} up ${up}`, `${name} is ${up ? 'up' : 'down'}`),
        fact(`${index} mtu ${link.mtu}`, `${name} has the MTU ${link.mtu}`),
        ...(bridge === undefined
          ? []
          : [fact(`${index} master ${master}`, `${name} is a port of ${bridge}`)]),
        ...shownAddresses(link).map((address) => fact(`${index} ${address}`, `${name} has ${address}`)),
      ];
    }),
    ...routes.map(({ destination, via, device }) => {
      const text = `${destination}${via === undefined ? '' : ` via ${via}`} by ${device}`;
      return fact(`route ${text}`, `route ${text}`);
    }),
    ...processes.map(({ pid, command }) => fact(`pid ${pid} ${command}`, `pid ${pid} ${command}`)),
  ];
}
