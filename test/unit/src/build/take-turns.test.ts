/** A RUN that finds no address waits for the containers of those before. */
import { expect, test } from '@jest/globals';
import { takeTurns } from '../../../../src/build/take-turns.ts';

const noAddress = Object.assign(new Error('no available IPv4 addresses'), { code: 'NO_ADDRESS' });

test('the second attempt comes when all are removed', async () => {
  let isRemoved = false;
  const removal = Promise.resolve().then(() => void (isRemoved = true));
  const attempts: boolean[] = [];
  const attempt = (isSecond: boolean): Promise<string> => {
    attempts.push(isSecond);
    return isRemoved ? Promise.resolve('ran') : Promise.reject(noAddress);
  };
  expect(await takeTurns([removal], attempt)).toBe('ran');
  expect(attempts).toEqual([false, true]);
});

test.each([
  ['nothing is being removed', [], noAddress],
  ['it is something else', [Promise.resolve()], new Error('no such user')],
])('none where %s', async (_, removals, failure) => {
  const attempts: boolean[] = [];
  const attempt = (isSecond: boolean): Promise<never> => {
    attempts.push(isSecond);
    return Promise.reject(failure);
  };
  await expect(takeTurns(removals, attempt)).rejects.toBe(failure);
  expect(attempts).toEqual([false]);
});

test('a second failure is the last', async () => {
  await expect(takeTurns([Promise.resolve()], () => Promise.reject(noAddress))).rejects.toBe(noAddress);
});
