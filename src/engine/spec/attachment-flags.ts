/**
 * `--network` in both of Docker's forms, a name or `name=NET,alias=NAME,ip=ADDRESS,…`, any number of times, and the older
 * flags that are about the first one: --network-alias, --link, --ip, --mac-address. Words and checks are those of
 * Docker's client; gw-priority is from Docker 28.
 */
import type { AttachmentRequest, ContainerFlags } from './create-request.ts';
import { invalidArgument, invalidSpec } from './flag-errors.ts';

/** The first one is the container's mode. Without any it is the default network. @throws MinidockError 'INVALID_FLAG'. */
export function attachmentRequests(
  flags: ContainerFlags,
): readonly [AttachmentRequest, ...AttachmentRequest[]] {
  const given = [...(flags.network ?? []), ...(flags.net ?? [])].filter((value) => value !== '');
  const [first = plain('default'), ...more] = given.map(parseAttachment);
  const all = [withOlderFlags(first, flags), ...more] as const;
  for (const [index, one] of all.entries()) {
    checkNames(one);
    if (all.findIndex(({ target }) => target === one.target) < index)
      throw invalidSpec(`network "${one.target}" is specified multiple times`);
  }
  if (all.length > 1 && !all.every(({ target }) => isUserDefined(target))) {
    throw invalidSpec(
      'conflicting options: cannot attach both user-defined and non-user-defined network-modes',
    );
  }
  return all;
}

const isUserDefined = (target: string): boolean =>
  !['default', 'bridge', 'host', 'none'].includes(target) && !target.startsWith('container:');

const plain = (target: string): AttachmentRequest => ({
  target,
  aliases: [],
  links: [],
  driverOpts: {},
  priority: 0,
});

/** Docker's own test for the long form. */
const LONG = /\w+=\w+(,\w+=\w+)*/;

function parseAttachment(value: string): AttachmentRequest {
  if (!LONG.test(value)) return plain(value);
  const bad = (reason: string): Error => invalidArgument(value, '--network', reason);
  const words = fields(value).map((field) => {
    const at = field.indexOf('=');
    if (at < 1) throw bad(`invalid field ${field}`);
    return [field.slice(0, at).trim().toLowerCase(), field.slice(at + 1).trim()] as const;
  });
  const all = (key: string): readonly string[] =>
    words.filter(([name]) => name === key).map(([, text]) => text);
  const unknown = words.find(([key]) => !KEYS.includes(key));
  if (unknown !== undefined) throw bad(refusals[unknown[0]] ?? `invalid field key ${unknown[0]}`);
  const [target, ip, ip6, macAddress, priority] = ['name', 'ip', 'ip6', 'mac-address', 'gw-priority'].map(
    (key) => all(key).at(-1),
  );
  if (target === undefined || target === '') throw bad('network name/id is not specified');
  if (priority !== undefined && !/^-?\d{1,9}$/.test(priority))
    throw bad(`invalid gw-priority (${priority}): a whole number is wanted`);
  return {
    target,
    aliases: all('alias'),
    links: [],
    ...(ip === undefined ? {} : { ip }),
    ...(ip6 === undefined ? {} : { ip6 }),
    ...(macAddress === undefined ? {} : { macAddress }),
    driverOpts: driverOptions(all('driver-opt'), () =>
      bad('invalid key value pair format in driver options'),
    ),
    priority: Number(priority ?? 0),
  };
}

const KEYS = ['name', 'alias', 'ip', 'ip6', 'mac-address', 'driver-opt', 'gw-priority'];
const refusals: Readonly<Record<string, string>> = {
  'link-local-ip': 'link-local addresses are not supported',
};

/** 'KEY=VALUE', as --driver-opt has them too. */
export function driverOptions(texts: readonly string[], bad: () => Error): Readonly<Record<string, string>> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      if (at < 0) throw bad();
      return [text.slice(0, at).trim().toLowerCase(), text.slice(at + 1).trim()];
    }),
  );
}

/** A line of comma-separated values, of which one in quotes may have commas. */
const fields = (line: string): readonly string[] =>
  (line.match(/"(?:[^"]|"")*"|[^,]+/g) ?? []).map((field) =>
    field.startsWith('"') ? field.slice(1, -1).replaceAll('""', '"') : field,
  );

/** What is given both ways is refused, not guessed. */
function withOlderFlags(one: AttachmentRequest, flags: ContainerFlags): AttachmentRequest {
  const { networkAlias = [], link = [], ip, ip6, macAddress } = flags;
  const both = (flag: string, what: string): Error =>
    invalidSpec(`conflicting options: cannot specify both ${flag} and per-network ${what}`);
  if (one.aliases.length > 0 && networkAlias.length > 0) throw both('--network-alias', 'alias');
  if (one.ip !== undefined && ip !== undefined) throw both('--ip', 'IPv4 address');
  if (one.ip6 !== undefined && ip6 !== undefined) throw both('--ip6', 'IPv6 address');
  if (one.macAddress !== undefined && macAddress !== undefined) throw both('--mac-address', 'MAC address');
  return {
    ...one,
    aliases: [...one.aliases, ...networkAlias],
    links: link.map(parseLink),
    ...(ip === undefined ? {} : { ip }),
    ...(ip6 === undefined ? {} : { ip6 }),
    ...(macAddress === undefined ? {} : { macAddress }),
  };
}

/** 'CONTAINER' or 'CONTAINER:ALIAS', always as the latter. */
export function parseLink(text: string): string {
  const [container = '', alias = container, ...more] = text.split(':');
  if (text === '') throw invalidArgument(text, '--link', 'empty string specified for links');
  if (more.length > 0 || container === '' || alias === '')
    throw invalidArgument(text, '--link', `bad format for links: ${text}`);
  checkName(alias, '--link');
  return `${container.replace(/^\//, '')}:${alias.replace(/^\//, '')}`;
}

/** Names end in files of lines and words. */
function checkName(name: string, flag: string): void {
  if (name === '' || /[\s\p{Cc}]/u.test(name))
    throw invalidArgument(name, flag, 'a name has no spaces or line breaks');
}

function checkNames({ target, aliases, links }: AttachmentRequest): void {
  for (const alias of aliases) checkName(alias, '--network-alias');
  if (isUserDefined(target)) return;
  if (aliases.length > 0)
    throw invalidSpec('network-scoped aliases are only supported for user-defined networks');
  if (links.length > 0 && target !== 'default' && target !== 'bridge')
    throw invalidSpec('links are only supported for user-defined networks');
}
