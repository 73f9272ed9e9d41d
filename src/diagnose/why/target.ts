/**
 * From a question (question.ts) to a journey: which containers and namespaces it runs between. Without a sender, the
 * client of a published port is outside, any other client is the host.
 *
 * Deliberately absent: DNS names.
 */
import { MinidockError } from '../../../runtime/errors.ts';
import type { PortBinding, Protocol } from '../../../runtime/network/types.ts';
import { endpointStates } from '../../engine/spec/endpoints.ts';
import type { Container } from '../../engine/state/store.ts';
import { asFamily, hasAddress, viaAddress, viaShared } from './via.ts';
import type { Journey, NamedNetns, Place } from './model.ts';
import { hasProgram } from '../../engine/spec/container.ts';
import { addressesIn, chooseFamily } from './choose-family.ts';
import { familyOf, isAddress, isLoopback, loopbackOf, type Family } from './family.ts';
import { invalid, type Question } from './question.ts';
import { goneAddress, relayOf, routedAway, wrongBinding } from './publication.ts';

export interface Surroundings {
  readonly containers: readonly Container[];
  /** By name, id or prefix. @throws MinidockError 'NO_SUCH_CONTAINER'. */
  readonly find: (reference: string) => Promise<Container>;
  /** Addresses of this host, of both families, those of its loopback left out. */
  readonly hostAddresses: readonly string[];
  /** This host's address for other machines; '' without an uplink. */
  readonly uplinkAddress: (family: Family) => Promise<string>;
  /** Named network namespaces except our own, with their addresses. */
  readonly namespaces: () => Promise<readonly (NamedNetns & { readonly addresses: readonly string[] })[]>;
}

/** As one family sees it. */
interface View extends Omit<Surroundings, 'uplinkAddress'> {
  readonly family: Family;
  readonly uplinkAddress: string;
  /** With the addresses of both families. */
  readonly whole: (id: string) => Container | undefined;
}

export async function resolveJourney(question: Question, all: Surroundings): Promise<Journey> {
  const around = await viewOf(question, all);
  const { family } = around;
  const { port, protocol, source } = question;
  const named = question.host.startsWith('netns:') ? await netnsOf(question.host, around) : undefined;
  const host = named === undefined ? question.host : (named.addresses[0] ?? '');
  if (named !== undefined && host === '') throw invalid(`${named.name} has no ${address(family)}`);
  const local = host === 'localhost' ? loopbackOf(family) : host;
  const from = await senderOf(question, local, around);
  const journey =
    named === undefined
      ? await journeyFrom(from, local, { port, protocol }, around)
      : // Even if others have that address too.
        { from, family, protocol, asked: { address: host, port }, toNetns: named };
  const isName = journey.to !== undefined && local !== '' && local !== 'host' && !isAddress(local);
  return {
    ...journey,
    ...(isName ? { name: local } : {}),
    ...(source === '' || from.kind === 'netns' || from.kind === 'container' ? {} : { source }),
  };
}

const address = (family: Family): string => (family === 6 ? 'IPv6 address' : 'address');

async function viewOf(question: Question, all: Surroundings): Promise<View> {
  const family = await chooseFamily(question, {
    containers: all.containers,
    addressesOf: (word) => addressesNamed(word, all),
  });
  return {
    family,
    containers: all.containers.map((one) => asFamily(one, family)),
    find: async (reference) => asFamily(await all.find(reference), family),
    hostAddresses: all.hostAddresses.filter((one) => familyOf(one) === family),
    uplinkAddress: await all.uplinkAddress(family),
    namespaces: async () =>
      (await all.namespaces()).map((one) => ({
        ...one,
        addresses: one.addresses.filter((own) => familyOf(own) === family),
      })),
    whole: (id) => all.containers.find(({ config }) => config.id === id),
  };
}

/** undefined for a word that is no name of a container or a namespace. */
async function addressesNamed(word: string, all: Surroundings): Promise<readonly string[] | undefined> {
  if (['', 'host', 'localhost', 'outside'].includes(word) || isAddress(word)) return undefined;
  if (word.startsWith('netns:')) return (await netnsOf(word, all)).addresses;
  return addressesIn(await networkOwner(await containerOf(word, all), all));
}

async function journeyFrom(
  from: Place,
  local: string,
  { port, protocol }: Pick<Question, 'port' | 'protocol'>,
  around: View,
): Promise<Journey> {
  const { family } = around;
  const literal = isAddress(local);
  if (local !== '' && !literal && local !== 'host') {
    return toContainer(
      from,
      await networkOwner(await containerOf(local, around), around),
      port,
      protocol,
      around,
    );
  }
  const container = around.containers.find((one) => local !== '' && hasAddress(one, local));
  if (container !== undefined) return toAddress(from, viaAddress(container, local), port, protocol, around);
  const ofHost = !literal || isLoopback(local) || around.hostAddresses.includes(local);
  if (!ofHost) {
    const asked = { address: local, port };
    const gone = goneAddress(local, port, protocol, around.containers);
    if (gone !== undefined) return { from, family, protocol, asked, obstacle: gone };
    const owners = (await around.namespaces()).filter(({ addresses }) => addresses.includes(local));
    // Names the case where the sender has the address too.
    const owner = owners.find(({ path }) => from.kind !== 'netns' || path !== from.path) ?? owners[0];
    if (from.kind === 'outside' && owner === undefined) throw invalid(`${local} is not on this host`);
    return { from, family, protocol, asked, ...(owner === undefined ? {} : { toNetns: owner }) };
  }
  if (isLoopback(local) && from.kind === 'container') {
    return { from, family, protocol, asked: { address: local, port }, to: from.container };
  }
  if (isLoopback(local) && from.kind === 'netns') {
    return { from, family, protocol, asked: { address: local, port }, toNetns: from };
  }
  const given = literal ? local : '';
  const journey = toPort(from, given, port, protocol, around);
  if (journey.to !== undefined || given === '' || isLoopback(given)) return journey;
  const twins = (await around.namespaces()).filter(({ addresses }) => addresses.includes(given));
  return twins.length === 0 ? journey : { ...journey, twins };
}

async function senderOf(question: Question, host: string, around: View): Promise<Place> {
  const { sender: word, source } = question;
  if (word.startsWith('netns:')) return { kind: 'netns', ...(await netnsOf(word, around)) };
  if (word === '' && source !== '') return ownerOfSource(source, around);
  if (word === 'outside') return { kind: 'outside' };
  if (word === 'host' || word === 'localhost') return { kind: 'host' };
  if (isAddress(word)) throw addressAsSender(word, question);
  if (word !== '') {
    const container = await networkOwner(await containerOf(word, around), around);
    // A container in the host's network sends as the host.
    return container.config.spec.network.mode === 'host'
      ? { kind: 'host' }
      : { kind: 'container', container };
  }
  return { kind: host === '' ? 'outside' : 'host' };
}

const addressAsSender = (address: string, { host, port, protocol }: Question): MinidockError =>
  new MinidockError({
    code: 'INVALID_TARGET',
    message: `'${address}' is an address, and a sender is a name`,
    hint: `Ask as a client with that address: minidock why --from ${address} ${host}:${port}${protocol === 'udp' ? '/udp' : ''}`,
    exitCode: 125,
  });

/** The owner of the client's address; a client of the world if nobody here has it. */
async function ownerOfSource(source: string, around: View): Promise<Place> {
  if (around.hostAddresses.includes(source)) return { kind: 'host' };
  const container = around.containers.find((one) => hasAddress(one, source));
  if (container !== undefined) return { kind: 'container', container: viaAddress(container, source) };
  const netns = (await around.namespaces()).find(({ addresses }) => addresses.includes(source));
  return netns === undefined ? { kind: 'outside' } : { kind: 'netns', ...netns };
}

/** By its name, or by the path of its file. @throws MinidockError 'INVALID_TARGET'. */
async function netnsOf(
  word: string,
  around: Pick<Surroundings, 'namespaces'>,
): Promise<NamedNetns & { readonly addresses: readonly string[] }> {
  const name = word.slice('netns:'.length);
  const all = await around.namespaces();
  const found = all.find((one) => one.name === word || one.path === name);
  if (found !== undefined) return found;
  const names = all.map((one) => one.name.slice('netns:'.length));
  const there = names.length === 0 ? 'there is none' : `there are: ${names.join(', ')}`;
  throw invalid(`there is no network namespace '${name}' (ip netns list); ${there}`);
}

/** @throws MinidockError 'NO_SUCH_CONTAINER', with other meanings of the name in its hint. */
async function containerOf(
  word: string,
  around: Pick<Surroundings, 'find' | 'namespaces'>,
): Promise<Container> {
  try {
    return await around.find(word);
  } catch (error) {
    if (!(error instanceof MinidockError) || error.code !== 'NO_SUCH_CONTAINER') throw error;
    const isNetns = (await around.namespaces()).some(({ name }) => name === `netns:${word}`);
    throw new MinidockError({
      code: 'NO_SUCH_CONTAINER',
      message: `there is no container '${word}'`,
      hint: isNetns
        ? `A network namespace has that name: write netns:${word}.`
        : 'minidock ps -a lists the containers. minidock resolves no DNS names: give the address (getent hosts NAME).',
      exitCode: 125,
      cause: error,
    });
  }
}

/** With `--network container:ID`, the container that owns the interfaces. */
async function networkOwner(container: Container, around: Pick<Surroundings, 'find'>): Promise<Container> {
  const [, other] = /^container:(.+)$/.exec(container.config.spec.network.mode) ?? [];
  return other === undefined ? container : around.find(other);
}

/** By its name: at the address that the two find each other by. */
function toContainer(from: Place, to: Container, port: number, protocol: Protocol, around: View): Journey {
  if (from.kind !== 'container') return toAddress(from, to, port, protocol, around);
  const [sender, receiver] = viaShared(from.container, to);
  return toAddress({ kind: 'container', container: sender }, receiver, port, protocol, around);
}

function toAddress(sender: Place, to: Container, port: number, protocol: Protocol, around: View): Journey {
  const from = byNetworkOf(sender, to);
  const ofHost = to.config.spec.network.mode === 'host';
  const own = from.kind === 'container' && from.container.config.id === to.config.id;
  const alone = own ? loopbackOf(around.family) : '';
  const { address = '' } = to.state.network ?? {};
  const asked = { address: ofHost ? hostAddressFor(from, around) : address || alone, port };
  const journey: Journey = { from, family: around.family, protocol, asked };
  // From elsewhere the host is asked, and one of its programs answers.
  const program = ofHost && from.kind !== 'host' && hasProgram(to.state);
  return program ? journey : { ...journey, to };
}

/** A neighbour is reached by the network that has the address, whatever the sender's way out is. */
function byNetworkOf(from: Place, to: Container): Place {
  const network = to.state.network?.network;
  if (from.kind !== 'container' || network === undefined) return from;
  const there = endpointStates(from.container.state.network).find((one) => one.network.id === network.id);
  return there === undefined
    ? from
    : { kind: 'container', container: viaAddress(from.container, there.address) };
}

/** The host's default address; '' if it has none for outside. */
function hostAddressFor(from: Place, { uplinkAddress, family }: View): string {
  if (from.kind === 'host') return loopbackOf(family);
  if (uplinkAddress !== '' || from.kind !== 'container') return uplinkAddress;
  return from.container.state.network?.network?.gateway ?? '';
}

/** A port of the host: published by a container, or of a host program. */
function toPort(from: Place, given: string, port: number, protocol: Protocol, around: View): Journey {
  const { containers, hostAddresses, family } = around;
  const every = family === 6 ? '::' : '0.0.0.0';
  const all = containers.flatMap((container) =>
    (container.state.network?.ports ?? []).map((binding) => ({ container, binding })),
  );
  const here = all.filter(({ binding }) => binding.hostPort === port);
  const bound = here.filter(({ binding }) => binding.protocol === protocol);
  const reaches = (binding: PortBinding): boolean =>
    binding.hostIp === every ||
    (given === ''
      ? (from.kind === 'host' && familyOf(binding.hostIp) === family) ||
        (!isLoopback(binding.hostIp) && hostAddresses.includes(binding.hostIp))
      : binding.hostIp === given);
  const found = bound.find(({ binding }) => reaches(binding));
  const address = given !== '' ? given : hostAddressFor(from, around);
  if (found !== undefined) {
    const { binding, container: to } = found;
    const own = given === '' && binding.hostIp !== every ? binding.hostIp : address;
    const journey: Journey = { from, family, protocol, asked: { address: own, port } };
    const whole = around.whole(to.config.id);
    const relay = whole === undefined ? undefined : relayOf(whole, binding, own);
    if (relay !== undefined) return { ...journey, relay };
    const obstacle = whole === undefined ? undefined : routedAway(whole, binding);
    return obstacle === undefined ? { ...journey, published: binding, to } : { ...journey, obstacle };
  }
  const journey: Journey = { from, family, protocol, asked: { address, port } };
  const stopped = containers.find(
    ({ state, config }) =>
      !hasProgram(state) &&
      config.spec.network.ports.some((wish) => wish.hostPort === port && wish.protocol === protocol),
  );
  const wrong = bound[0] ?? here[0];
  if (wrong !== undefined) {
    return { ...journey, obstacle: wrongBinding(wrong.container, wrong.binding, protocol, address) };
  }
  return stopped === undefined ? journey : { ...journey, to: stopped };
}
