/** What the tables of both families have in common: how they are filled, and how one is asked about. */
import type { Check } from '../../plan/step.ts';

export const NFT_TABLE = 'minidock';

export type Family = 'ip' | 'ip6';

export type Chains = Readonly<Record<string, { readonly hook?: string; readonly rules: readonly string[] }>>;
/** What a set or map is declared with, by its kind and name. */
export type Sets = Readonly<Record<string, string>>;

/** Holds one element that tells which rules the chains hold. */
export const VERSION_SET = 'version';

/** The element that stands for a version of the rules. */
export const versionElement = (version: number): string => `0x${version.toString(16).padStart(8, '0')}`;

export const isThere = (set: string, element: string, family: Family = 'ip'): Check => ({
  kind: 'run',
  argv: ['nft', 'get', 'element', family, NFT_TABLE, set, `{ ${element} }`],
});

/** Declares what is missing, empties the chains and fills them: the same result whatever was there before. */
export function tableScript(family: Family, chains: Chains, sets: Sets, versionElement: string): string {
  const table = `${family} ${NFT_TABLE}`;
  const lines = [`table ${table} {`];
  for (const [name, type] of Object.entries(sets)) lines.push(`  ${name} { ${type} }`);
  for (const [name, { hook }] of Object.entries(chains)) lines.push(`  chain ${name} { ${hook ?? ''} }`);
  lines.push('}', `flush table ${table}`, `flush set ${table} ${VERSION_SET}`);
  lines.push(`table ${table} {`);
  lines.push(`  set ${VERSION_SET} { type mark; elements = { ${versionElement} } }`);
  for (const [name, { rules }] of Object.entries(chains)) {
    lines.push(`  chain ${name} {`, ...rules.map((rule) => `    ${rule}`), '  }');
  }
  return [...lines, '}', ''].join('\n');
}
