/**
 * Tables of the old iptables ('filter', 'nat'), a packet filter of its own beside nftables, which nft neither shows
 * nor traces. Where the kernel has none, iptables-legacy is better not started: asking makes the kernel load them.
 */
import { existsSync, readFileSync } from 'node:fs';

const NAMES = '/proc/net/ip_tables_names';

export const legacyTables = (): readonly string[] =>
  existsSync(NAMES) ? readFileSync(NAMES, 'utf8').split('\n').filter(Boolean) : [];
