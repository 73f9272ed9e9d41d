/** What a screen reader says when it has time: results of checks, the packet's end. Eyes find it in the page itself. */
import { byId } from './dom.ts';

export function announce(words: string): void {
  const news = byId('news');
  // The same words again are news again only if the text differs.
  news.textContent = news.textContent === words ? `${words}\u00a0` : words;
}
