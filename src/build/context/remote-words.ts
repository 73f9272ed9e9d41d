/** What a source or a context calls a file of the web or a Git repository, by BuildKit's rules. Pure. */
export type Remote =
  | { readonly kind: 'url'; readonly url: string }
  | {
      readonly kind: 'git';
      readonly repository: string;
      /** A branch, a tag, a commit or a full name (refs/…). */
      readonly ref: string | undefined;
      /** '' is all of it. */
      readonly subdir: string;
    };

/** For people, history and `.git`: without names and passwords of the web, and without other passwords. */
export const withoutUserinfo = (text: string): string =>
  text
    .replace(/(\bhttps?:\/\/)[^/\s'"]*@/gi, '$1')
    .replace(/(\b[a-z][a-z0-9+.-]*:\/\/[^/\s:@'"]*):[^/\s'"]*@/gi, '$1@');

/** undefined: a path of the context. */
export function parseRemote(text: string): Remote | undefined {
  const [address = '', fragment = ''] = text.split('#', 2);
  const isWeb = /^https?:\/\//i.test(address);
  const isGit =
    /^(git|ssh):\/\//.test(address) ||
    /^[A-Za-z0-9_.-]+@[^:/]+:[^:]/.test(address) ||
    /^github\.com\//.test(address) ||
    (isWeb && /\.git$/.test(address));
  if (!isGit) return isWeb ? { kind: 'url', url: text } : undefined;
  const [ref = '', subdir = ''] = fragment.split(':', 2);
  return {
    kind: 'git',
    repository: address.startsWith('github.com/') ? `https://${address}` : address,
    ref: ref === '' ? undefined : ref,
    subdir,
  };
}
