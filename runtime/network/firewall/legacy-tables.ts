/**
 * Tables of the old iptables ('filter', 'nat'), a packet filter of its own beside nftables, which nft neither shows
 * nor traces. Where the kernel has none, iptables-legacy is better not started: asking makes the kernel load them.
 */
import { existsSync, readFileSync } from 'node:fs';

const NAMES = { 4: '/proc/net/ip_tables_names', 6: '/proc/net/ip6_tables_names' } as const;

export const legacyTables = (family: 4 | 6 = 4): readonly string[] =>
  existsSync(NAMES[family]) ? readFileSync(NAMES[family], 'utf8').split('\n').filter(Boolean) : [];
