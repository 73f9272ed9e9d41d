/** The arguments of `why`: `:8080`, `web:80`, `web -> db:5432`, `outside -> :8080`, `host :8080`. */
import { MinidockError } from '../../../runtime/errors.ts';
import { parseIpv4 } from '../../../runtime/network/ipv4.ts';
import type { Protocol } from '../../../runtime/network/types.ts';

export interface Question {
  /** '' where none was given. */
  readonly sender: string;
  /** '' in `:8080`. */
  readonly host: string;
  readonly port: number;
  readonly protocol: Protocol;
  /** The client's address; '' for any. */
  readonly source: string;
}

/** @throws MinidockError 'INVALID_TARGET', exit status 125. */
export function parseQuestion(words: readonly string[], source = ''): Question {
  if (source !== '' && parseIpv4(source) === undefined) {
    throw invalid(`--from takes an IPv4 address, and '${source}' is not one`);
  }
  const parts = words.join(' ').replaceAll('->', ' ').split(/\s+/).filter(Boolean);
  const [target = '', sender = ''] = parts.toReversed();
  const unknown = parts.find((part) => part.startsWith('-'));
  if (unknown !== undefined) throw invalid(`unknown option '${unknown}'`);
  const match = /^(?:((?:netns:)?[^:/\s]*):)?(\d{1,5})(?:\/(tcp|udp))?$/.exec(target);
  const port = Number(match?.[2] ?? 0);
  if (match === null || parts.length > 2 || port < 1 || port > 65535) {
    if (words.some((word) => /\[[^\]]*:[^\]]*\]/.test(word))) throw onlyIpv4(words.join(' '));
    throw invalid(`cannot read '${words.join(' ')}'`);
  }
  return { sender, host: match[1] ?? '', port, protocol: match[3] === 'udp' ? 'udp' : 'tcp', source };
}

export const onlyIpv4 = (what: string): MinidockError =>
  new MinidockError({
    code: 'INVALID_ARGUMENT',
    message: `why follows IPv4 only, and ${what} is IPv6`,
    hint: 'minidock graph shows IPv6 addresses and rules; minidock doctor looks whether they are as they were set up.',
  });

export function invalid(message: string): MinidockError {
  return new MinidockError({
    code: 'INVALID_TARGET',
    message,
    hint: "Examples: why :8080, why web:80, why 'web -> db:5432', why 'outside -> :8080', why :53/udp.",
    exitCode: 125,
  });
}
