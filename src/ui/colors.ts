/**
 * Colours, with chalk, loaded only when needed, since loading costs start-up time. No colours without a terminal,
 * with NO_COLOR or with TERM=dumb; FORCE_COLOR forces them.
 */
export type Paint = (text: string) => string;

export interface Colors {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

const same: Paint = (text) => text;
export const noColors: Colors = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same };

/** See no-color.org: any value but an empty one counts. */
export function wantsColor(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  if ((environment['NO_COLOR'] ?? '') !== '') return false;
  if ((environment['FORCE_COLOR'] ?? '') !== '') return environment['FORCE_COLOR'] !== '0';
  return stream.isTTY === true && environment['TERM'] !== 'dumb';
}

export async function colorsFor(stream: { readonly isTTY?: boolean }): Promise<Colors> {
  if (!wantsColor(stream)) return noColors;
  const { Chalk } = await import('chalk');
  const { bold, dim, red, green, yellow, cyan } = new Chalk({ level: 1 });
  return { bold, dim, red, green, yellow, cyan };
}
