/** xterm.js makes style elements; the page's policy lets only those with its nonce count. */
export function styleWithNonce(): void {
  const nonce = document.querySelector('script')?.getAttribute('data-style') ?? '';
  const create = document.createElement.bind(document);
  document.createElement = (name: string, options?: ElementCreationOptions) => {
    const element = create(name, options);
    if (element instanceof HTMLStyleElement) element.nonce = nonce;
    return element;
  };
}
