/** The terminal's character set, from the environment. */

/** As locale(7) has it: LC_ALL wins over LC_CTYPE, which wins over LANG; none of them set is plain ASCII. */
export function isUtf8(): boolean {
  const { LC_ALL, LC_CTYPE, LANG } = process.env;
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== '') ?? '';
  return /utf-?8/i.test(locale);
}
