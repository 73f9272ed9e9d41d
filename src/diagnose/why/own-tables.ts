/** Tables that an open nft session owns: when this process ends, even by SIGKILL, the kernel removes them. */
import { look } from '../host/look.ts';
import { inside, type Enter } from '../host/ip.ts';
import { keepBeside, within, type Companion } from './programs.ts';

const READY_MS = 3000;
/** A session that keeps its answer back is not waited for alone. */
const ASK_EVERY_MS = 250;

export interface OwnTables extends Companion {
  readonly hasThem: boolean;
}

/**
 * @param definitions lines of nft; it refuses each alone
 * @param last family and name of the table that shows that all are there
 */
export async function ownTables(
  definitions: string,
  last: readonly [family: string, table: string],
  enter: Enter = [],
): Promise<OwnTables> {
  const list = ['list', 'table', ...last] as const;
  const session = keepBeside(inside(enter, ['nft', '-i']), `${definitions}${list.join(' ')}\n`);
  const head = `table ${last.join(' ')} {`;
  let asked = performance.now();
  const hasThem = await within(READY_MS, async () => {
    if (session.output().includes(head)) return true;
    if (performance.now() - asked < ASK_EVERY_MS) return false;
    asked = performance.now();
    return (await look(inside(enter, ['nft', ...list]))) !== '';
  });
  return { ...session, hasThem };
}
