/**
 * "Content is arriving": between a blob's download and the moment an image refers to it, nothing does, and a clean-up
 * by another process would take it for rubbish. So a process that adds content holds a lease, a file named after the
 * process and valid only while it lives. Clean-up waits until no other lease exists.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isOwnerAlive, ownerTag } from './owner.ts';

export class Leases {
  private readonly dir: string;
  private own: string | undefined;

  constructor(dir: string) {
    this.dir = dir;
  }

  get held(): boolean {
    return this.own !== undefined;
  }

  /** For as long as this process lives. The caller holds the store's lock, so that no clean-up is under way. */
  take(): void {
    if (this.own !== undefined) return;
    const own = ownerTag();
    this.own = own;
    mkdirSync(this.dir, { recursive: true });
    const path = join(this.dir, own);
    writeFileSync(path, '', { flag: 'wx' });
    process.once('exit', () => {
      rmSync(path, { force: true });
    });
  }

  /** Whether another living process holds one; leases of the dead are removed. */
  othersHold(): boolean {
    mkdirSync(this.dir, { recursive: true });
    const others = readdirSync(this.dir).filter((owner) => owner !== this.own);
    const alive = others.filter((owner) => isOwnerAlive(owner));
    for (const dead of others.filter((owner) => !alive.includes(owner))) {
      rmSync(join(this.dir, dead), { force: true });
    }
    return alive.length > 0;
  }
}
