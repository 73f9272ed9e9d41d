/** text/template's html, js and urlquery. */

const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&#34;', "'": '&#39;', '\0': '\uFFFD',
}; // prettier-ignore

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"'\0]/g, (character) => HTML[character] ?? character);
}

export function escapeJs(text: string): string {
  return text.replace(/[\\'"<>&=\u0000-\u001f\u007f\u2028\u2029]/g, (character) =>
    '\\\'"'.includes(character)
      ? `\\${character}`
      : `\\u${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`,
  );
}

/** Half of a character, which JSON may hold and encodeURIComponent refuses. */
const LONE_SURROGATE = /\p{Surrogate}/gu;

export function escapeUrlQuery(text: string): string {
  return encodeURIComponent(text.replace(LONE_SURROGATE, '\u{fffd}'))
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}
