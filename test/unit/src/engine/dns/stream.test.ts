import { expect, test } from '@jest/globals';
import { LengthReader, prefixed } from '../../../../../src/engine/dns/stream.ts';

test('messages come out whole and one by one, however they arrive', () => {
  const reader = new LengthReader();
  const bytes = Buffer.concat([prefixed(Buffer.from('first')), prefixed(Buffer.from('second'))]);
  const taken: string[] = [];
  for (const byte of bytes) {
    reader.push(Buffer.of(byte));
    const message = reader.take();
    if (message !== undefined) taken.push(message.toString());
  }
  expect(taken).toEqual(['first', 'second']);
  reader.push(bytes);
  expect([reader.take(), reader.take(), reader.take()].map(String)).toEqual(['first', 'second', 'undefined']);
});

test('the length of the next message is known before the message is there', () => {
  const reader = new LengthReader();
  reader.push(Buffer.of(0xff));
  expect(reader.announced).toBe(0);
  reader.push(Buffer.of(0xff, 1));
  expect(reader.announced).toBe(0xffff);
  expect(reader.take()).toBeUndefined();
});
