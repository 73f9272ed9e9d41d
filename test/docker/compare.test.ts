/** Several hundred command lines in Docker and in minidock: whatever differs has a reason. scripts/compare-docker prints it. */
import { writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { compare, report } from '../compare/compare.ts';
import { LINES, PRELUDE } from '../compare/lines.ts';
import { describeBesideDocker } from '../support/docker/beside-docker.ts';

describeBesideDocker('command lines', ({ both }) => {
  test('differ from Docker’s only where they are meant to', async () => {
    await both(PRELUDE);
    const found = await compare(both, LINES);
    const file = process.env['MINIDOCK_COMPARISON'];
    if (file !== undefined) writeFileSync(file, report(LINES.length, found));
    expect(found.filter(({ reason }) => reason === '')).toEqual([]);
  }, 900_000);
});
