/**
 * The WWW-Authenticate header (RFC 9110 11.6.1), which may name several schemes, each with parameters, all
 * separated by commas.
 */
export interface Challenge {
  /** In lower case: 'bearer', 'basic'. */
  readonly scheme: string;
  /** Names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const parameterRegExp = new RegExp(
  `\\s*(${TOKEN})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${TOKEN}))\\s*(?:,|$)`,
  'y',
);
const schemeRegExp = new RegExp(`[\\s,]*(${TOKEN})(?:\\s+|,|$)`, 'y');

/** What cannot be read ends the list: a half-understood challenge is not answered. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: Challenge[] = [];
  let position = 0;
  for (;;) {
    schemeRegExp.lastIndex = position;
    const scheme = schemeRegExp.exec(header);
    if (scheme === null) return challenges;
    position = schemeRegExp.lastIndex;
    const parameters = new Map<string, string>();
    for (;;) {
      parameterRegExp.lastIndex = position;
      const parameter = parameterRegExp.exec(header);
      if (parameter === null) break;
      position = parameterRegExp.lastIndex;
      const [, name = '', quoted, bare = ''] = parameter;
      parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? bare);
    }
    challenges.push({ scheme: (scheme[1] ?? '').toLowerCase(), parameters });
  }
}
