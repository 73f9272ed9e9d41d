import { expect, test } from '@jest/globals';
import { frame, FRAME, FrameReader, messageFrame } from '../../../../src/io/frames.ts';

function received(chunks: readonly Buffer[]): readonly [number, string][] {
  const frames: [number, string][] = [];
  const reader = new FrameReader((type, payload) => frames.push([type, payload.toString()]));
  const memory = Buffer.alloc(64);
  // Always in the same memory, as a reader of a descriptor has it.
  for (const chunk of chunks) reader.push(memory.subarray(0, chunk.copy(memory)));
  return frames;
}

const bytes = Buffer.concat([
  frame(FRAME.stdout, Buffer.from('hello')),
  frame(FRAME.stderr, Buffer.alloc(0)),
  messageFrame({ type: 'wait' }),
]);
const frames = [
  [FRAME.stdout, 'hello'],
  [FRAME.stderr, ''],
  [FRAME.message, '{"type":"wait"}'],
];

test('one byte of type, four of length, then the payload', () => {
  expect(bytes.subarray(0, 10)).toEqual(Buffer.from('\x01\0\0\0\x05hello', 'latin1'));
});

test('however the stream is cut, the frames are the same', () => {
  expect(received([bytes])).toEqual(frames);
  expect(received([...bytes].map((byte) => Buffer.from([byte])))).toEqual(frames);
  for (let cut = 1; cut < bytes.length; cut += 1) {
    expect(received([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(frames);
  }
});

test('an unfinished frame is not told', () => {
  expect(received([bytes.subarray(0, 9)])).toEqual([]);
});

test('a reader knows whether it is in the middle of one', () => {
  const reader = new FrameReader(() => undefined);
  reader.push(bytes.subarray(0, 9));
  expect(reader.empty).toBe(false);
  reader.push(bytes.subarray(9, 10));
  expect(reader.empty).toBe(true);
});
