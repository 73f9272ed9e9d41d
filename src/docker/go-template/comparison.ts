/** eq, ne, lt and so on compare only values of one basic kind; an int is not a float. */
import { FunctionError } from './errors.ts';
import { formatValue } from './printing.ts';
import { compareStrings, kindOf, toNumber, typeName, type BasicKind } from './value.ts';

const INCOMPATIBLE = 'incompatible types for comparison';
const ORDERED = new Set<BasicKind>(['int', 'float', 'string']);

export function equalValues(a: unknown, b: unknown): boolean {
  const [kindA, kindB] = [kindOf(a), kindOf(b)];
  if (kindA === 'nil' || kindB === 'nil') return kindA === kindB;
  for (const [value, kind] of [
    [a, kindA],
    [b, kindB],
  ] as const) {
    if (kind === 'slice' || kind === 'map' || kind === 'func') {
      throw new FunctionError(`non-comparable type ${formatValue(value)}: ${typeName(value)}`);
    }
  }
  if (kindA !== kindB) throw new FunctionError(INCOMPATIBLE);
  return kindA === 'int' || kindA === 'float' ? toNumber(a) === toNumber(b) : a === b;
}

export function compareValues(a: unknown, b: unknown): number {
  const [kindA, kindB] = [kindOf(a), kindOf(b)];
  if (!ORDERED.has(kindA)) throw new FunctionError('invalid type for comparison');
  if (kindA !== kindB)
    throw new FunctionError(ORDERED.has(kindB) ? INCOMPATIBLE : 'invalid type for comparison');
  if (kindA === 'string') return compareStrings(a as string, b as string);
  return toNumber(a) - toNumber(b);
}
