/**
 * SHA-256, by Bun's own hasher where there is Bun: node:crypto takes 3 ms to load, which a command that only looks up
 * its image would pay as well. Under Node, which runs the unit tests, it is node:crypto.
 */
export interface Sha256 {
  update(bytes: string | Uint8Array): unknown;
  digest(encoding: 'hex'): string;
}

export const newSha256 = (): Sha256 =>
  typeof Bun === 'undefined'
    ? process.getBuiltinModule('node:crypto').createHash('sha256')
    : new Bun.CryptoHasher('sha256');

/** 'sha256:' and the hex digits. */
export function digestOf(bytes: string | Uint8Array): string {
  const hash = newSha256();
  hash.update(bytes);
  return `sha256:${hash.digest('hex')}`;
}
