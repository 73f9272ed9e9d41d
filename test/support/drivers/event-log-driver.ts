/**
 * For test/kernel/event-log.test.ts: `write ROOT NAME COUNT` appends so many events; `follow ROOT COUNT` reads until it
 * has seen so many and prints, for each writer, how many in a row it has seen.
 */
import { recordEvent } from '../../../src/engine/state/events/event-log.ts';
import { EventReader } from '../../../src/engine/state/events/event-reader.ts';
import { volumeEvent } from '../../../src/engine/state/events/events.ts';

const [role, dir = '', ...rest] = process.argv.slice(2);
const paths = { root: `${dir}/root`, run: `${dir}/run` };

if (role === 'write') {
  const [name = '', count = '0'] = rest;
  for (let at = 0; at < Number(count); at += 1)
    recordEvent(paths, volumeEvent(name, String(at), { padding: 'x'.repeat(100) }));
} else {
  const [count = '0'] = rest;
  const reader = new EventReader(paths);
  const inOrder = new Map<string, number>();
  let seen = 0;
  const look = (): void => {
    for (const { id, action } of reader.read()) {
      seen += 1;
      if (Number(action) === (inOrder.get(id) ?? 0)) inOrder.set(id, Number(action) + 1);
    }
    if (seen < Number(count)) return;
    process.stdout.write(`${JSON.stringify(Object.fromEntries([...inOrder].sort()))}\n`);
    process.exit(0);
  };
  reader.watch(look);
  process.stdout.write('ready\n');
}
