/** The arguments of `why`: `:8080`, `web:80`, `web -> db:5432`, `outside -> :8080`, `[::1]:8080`, `host :8080`. */
import { MinidockError } from '../../../runtime/errors.ts';
import type { Protocol } from '../../../runtime/network/types.ts';
import { canonicalIpv6, isIpv6Text } from '../../../runtime/syscall/inet.ts';
import { familyOf, isAddress, isLinkLocal, type Family } from './family.ts';

export interface Question {
  /** '' where none was given. */
  readonly sender: string;
  /** '' in `:8080`. An IPv6 address is in its one form, without brackets. */
  readonly host: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** The client's address; '' for any. */
  readonly source: string;
  /** By an address, or by a flag; undefined where the names decide. */
  readonly family?: Family;
}

export interface Wish {
  /** --from */
  readonly source?: string | undefined;
  /** -4, -6 */
  readonly family?: Family | undefined;
}

/** @throws MinidockError 'INVALID_TARGET', exit status 125. */
export function parseQuestion(words: readonly string[], { source: given = '', family }: Wish = {}): Question {
  const source = isIpv6Text(given) ? (canonicalIpv6(given) ?? given) : given;
  if (source !== '' && !isAddress(source))
    throw invalid(`--from takes an address, and '${given}' is not one`);
  const parts = words.join(' ').replaceAll('->', ' ').split(/\s+/).filter(Boolean);
  const [target = '', sender = ''] = parts.toReversed();
  const unknown = parts.find((part) => part.startsWith('-'));
  if (unknown !== undefined) throw invalid(`unknown option '${unknown}'`);
  const match = /^(?:(\[[^\]\s]*\]|(?:netns:)?[^:/\s]*):)?(\d{1,5})(?:\/(tcp|udp))?$/.exec(target);
  const port = Number(match?.[2] ?? 0);
  if (match === null || parts.length > 2 || port < 1 || port > 65535) {
    throw invalid(`cannot read '${words.join(' ')}'`);
  }
  const host = hostOf(match[1] ?? '');
  const families = new Set([
    ...(isAddress(host) ? [familyOf(host)] : []),
    ...(source === '' ? [] : [familyOf(source)]),
    ...(family === undefined ? [] : [family]),
  ]);
  if (families.size > 1) throw invalid(`IPv4 and IPv6 in one question: '${words.join(' ')}'`);
  const [only] = families;
  const protocol = match[3] === 'udp' ? 'udp' : 'tcp';
  return { sender, host, port, protocol, source, ...(only === undefined ? {} : { family: only }) };
}

/** `[2001:db8::5]` without its brackets. */
function hostOf(text: string): string {
  if (!text.startsWith('[')) return text;
  const inside = text.slice(1, -1);
  const address = canonicalIpv6(inside);
  if (address === undefined) throw invalid(`'${inside}' is not an IPv6 address`);
  if (isLinkLocal(address)) throw invalid(`why does not follow link-local addresses, and ${address} is one`);
  return address;
}

export function invalid(message: string): MinidockError {
  return new MinidockError({
    code: 'INVALID_TARGET',
    message,
    hint: "Examples: why :8080, why web:80, why 'web -> db:5432', why 'outside -> :8080', why '[::1]:8080', why :53/udp.",
    exitCode: 125,
  });
}
