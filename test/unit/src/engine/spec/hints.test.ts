/** What helps against an error of runtime/ is said beside it, however deep in its causes the error is. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { MinidockError } from '../../../../../runtime/errors.ts';
import { StepError } from '../../../../../runtime/plan/step-error.ts';
import { HINTS, hintOf } from '../../../../../src/engine/spec/hints.ts';
import { toWireError } from '../../../../../src/engine/shim/exit.ts';

const runtime = join(import.meta.dirname, '../../../../../runtime');
const code = readdirSync(runtime, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(join(runtime, file), 'utf8'))
  .join('\n');

test.each(Object.keys(HINTS))('%s is an error that runtime/ throws without a hint', (name) => {
  const thrown = code.split(`code: '${name}'`).slice(1);
  expect(thrown).not.toEqual([]);
  for (const rest of thrown) expect(rest.slice(0, rest.indexOf('})'))).not.toContain('hint');
});

test('a failed step has the hint of its cause', () => {
  const cause = new MinidockError({ code: 'NOT_ID_MAPPABLE', message: 'no' });
  const failed = new StepError({ id: 'rootfs.mount:/c', title: 'Mount' }, cause);
  expect(toWireError(failed, '').hint).toContain('--userns=host');
});

test('a hint names what the error is about, and one of its own comes first', () => {
  expect(hintOf(new MinidockError({ code: 'NO_IDS', message: 'no', data: { directory: '/ids' } }))).toContain(
    'files in /ids:',
  );
  expect(hintOf(new MinidockError({ code: 'NO_IDS', message: 'no', hint: 'own' }))).toBe('own');
  expect(hintOf(new Error('no'))).toBeUndefined();
});
