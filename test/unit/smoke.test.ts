import { expect, test } from '@jest/globals';
import { MinidockError } from '../../runtime/errors.ts';
test('an error keeps its code', () => {
  expect(new MinidockError({ code: 'X', message: 'm' }).code).toBe('X');
});
