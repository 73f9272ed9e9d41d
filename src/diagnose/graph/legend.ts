/** The text below the picture: a marked path, the firewall as a packet meets it, minidock's wrong records. */
import { noColors, type Colors } from '../../ui/colors.ts';
import { wrap } from '../../ui/wrap.ts';
import { baseChains, jumpsOf } from './firewall.ts';
import type { Mark } from './mark.ts';
import type { Chain, Model } from './model.ts';

export interface LegendOptions {
  readonly width: number;
  readonly mark?: Mark | undefined;
  readonly colors?: Colors;
}

/** The number of printed rules of a chain; a line below says how to see more. */
const RULES_SHOWN = 24;

export function legend(model: Model, { width, mark, colors = noColors }: LegendOptions): string {
  const { bold, dim, yellow, green } = colors;
  const parts: string[] = [];
  if (mark !== undefined) {
    const path = wrap(mark.path.join(' → '), width, '  ', '  ');
    parts.push(`${bold('The marked path, from outside in')}\n${bold(green(path))}\n`);
  }
  const bases = baseChains(model.chains);
  if (bases.length > 0) {
    const lines = bases.flatMap((chain) => chainLines(chain, model.chains, colors, width));
    parts.push(`${bold('Firewall, in the order a packet meets it')}\n${lines.join('\n')}\n`);
  }
  if (model.disagreements.length > 0) {
    const lines = model.disagreements.map((text) => yellow(wrap(text, width, '  ! ', '    ')));
    parts.push(`${bold("Where minidock's records and the kernel disagree")}\n${lines.join('\n')}\n`);
  }
  if (model.unconnected > 0) {
    const [what, are] = model.unconnected === 1 ? ['namespace has', 'is'] : ['namespaces have', 'are'];
    const text = `${model.unconnected} other network ${what} no cable to these and ${are} not shown; --all shows them.`;
    parts.push(`${dim(wrap(text, width, '', ''))}\n`);
  }
  return parts.map((part) => `\n${part}`).join('');
}

function chainLines(
  chain: Chain,
  all: readonly Chain[],
  { bold, dim, yellow }: Colors,
  width: number,
): readonly string[] {
  const { hook = '', priority = 0, policy = 'accept', tool, table, name } = chain;
  const title = `  ${bold(hook.padEnd(12))} ${dim(`${String(priority).padStart(5)}  ${tool} ${table} ${name}`)}`;
  const lines = [policy === 'drop' ? `${title}  ${yellow('policy drop')}` : title];
  const rules = (of: Chain, indent: string, above: readonly Chain[]): void => {
    for (const rule of of.rules.slice(0, RULES_SHOWN)) {
      const line = `${indent}${rule}`;
      lines.push(line.length > width ? `${line.slice(0, width - 1)}…` : line);
      for (const next of jumpsOf(rule, of, all)) {
        if (![...above, of].includes(next)) rules(next, `${indent}    `, [...above, of]);
      }
    }
    const more = of.rules.length - RULES_SHOWN;
    if (more > 0) {
      const command =
        tool === 'nft' ? `nft list chain ${table} ${of.name}` : `${tool} -t ${table} -S ${of.name}`;
      lines.push(dim(`${indent}… ${more} more: ${command}`));
    }
  };
  rules(chain, '      ', []);
  return lines;
}
