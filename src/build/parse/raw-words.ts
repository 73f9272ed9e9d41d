/** Words of a line, with the quotes and escapes that they are written with. */

/** Split at white space outside of quotes. A quote without its end goes to the end of the line. */
export function rawWords(text: string, escape = '\\'): readonly string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  let inWord = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charAt(at);
    if (quote === '' && /\s/.test(char)) {
      if (inWord) words.push(word);
      word = '';
      inWord = false;
      continue;
    }
    inWord = true;
    word += char;
    if (char === escape && quote !== "'" && at + 1 < text.length) word += text.charAt(++at);
    else if (quote === '' && (char === '"' || char === "'")) quote = char;
    else if (char === quote) quote = '';
  }
  return inWord ? [...words, word] : words;
}
