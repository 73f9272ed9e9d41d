/**
 * What a container's programs make of the target's name: /etc/hosts comes before any name server, and a network with
 * names needs minidock's own server. The probe goes to the right address and does not see either.
 */
import { oneLine } from '../../../../runtime/printable.ts';
import { endpointStates } from '../../../engine/spec/endpoints.ts';
import type { Container } from '../../../engine/state/store.ts';
import { NAME_SERVER, type NameAnswer } from '../client/ask-name.ts';
import { bad } from '../findings.ts';
import type { Finding } from '../model.ts';
import type { Scene } from '../observe.ts';
import { addressesOf } from '../stack.ts';

export function checkNames({ journey, receiver, names }: Scene): readonly Finding[] {
  const { from, to, name } = journey;
  if (from.kind !== 'container' || to === undefined || name === undefined || names === undefined) return [];
  const { config } = from.container;
  const goal = to.config.name;
  const own = receiver === undefined ? [to.state.network?.address ?? ''] : addressesOf(receiver);
  const [first] = addressesFor(names.hosts, name);
  const inside = (path: string): readonly string[] => ['minidock', 'exec', config.name, 'cat', path];
  if (first !== undefined && !own.includes(first)) {
    const text = `/etc/hosts of ${config.name} says that ${name} is ${oneLine(first)}, and ${goal} has ${own.filter((one) => !one.startsWith('127.')).join(', ')}: programs that ask for ${name} go elsewhere`;
    const given = config.spec.network.extraHosts.some((entry) => entry.startsWith(name));
    const fix = given
      ? `Run ${config.name} again without --add-host ${name}.`
      : `minidock restart ${config.name}`;
    return [{ ...bad('sender', 'hosts-entry', text, inside('/etc/hosts')), fix }];
  }
  const servers = [...names.resolv.matchAll(/^\s*nameserver\s+(\S+)/gm)].map(([, server = '']) => server);
  if (first !== undefined || !hasNames(from.container)) return [];
  if (servers[0] === NAME_SERVER) return askedServer(names.answer, config.name, name);
  const asked = servers.length === 0 ? 'names no server' : `names the server ${oneLine(servers[0] ?? '')}`;
  const text = `/etc/resolv.conf of ${config.name} ${asked}, and only minidock's own, ${NAME_SERVER}, knows ${name}`;
  const fix = `minidock restart ${config.name}`;
  return [{ ...bad('sender', 'name-server', text, inside('/etc/resolv.conf')), fix }];
}

function askedServer(answer: NameAnswer | undefined, container: string, name: string): readonly Finding[] {
  if (answer !== 'silent') return [];
  const text = `programs in ${container} cannot resolve ${name}: minidock's name server, ${NAME_SERVER}, does not answer in there (its rules are gone, or lo is down)`;
  const show = ['minidock', 'exec', container, 'nslookup', name];
  return [{ ...bad('sender', 'name-server', text, show), fix: `minidock restart ${container}` }];
}

/** What to add where it works by the address: a container's programs may not know the name that was asked for. */
export function namelessly({ journey: { from, to, name }, names }: Scene): string {
  if (from.kind !== 'container' || to === undefined || name === undefined || names === undefined) return '';
  if (hasNames(from.container) || addressesFor(names.hosts, name).length > 0) return '';
  return `; programs in ${from.container.config.name} must use the address, since the default network resolves no names such as ${name} (a network of your own does, and --link)`;
}

/** On a network that somebody made, containers find each other by name. */
const hasNames = ({ state }: Container): boolean =>
  endpointStates(state.network).some(({ network }) => network.name !== 'bridge');

/** In the order of the file, whose first line about a name counts. */
function addressesFor(hosts: string, name: string): readonly string[] {
  return hosts.split('\n').flatMap((line) => {
    const [address = '', ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    return names.some((one) => one.toLowerCase() === name.toLowerCase()) ? [address] : [];
  });
}
