import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { FRAME, readFrames, writeFrame, writeMessage } from '../../../../src/engine/frames.ts';

function received(chunks: readonly Buffer[]): readonly [number, string][] {
  const stream = new PassThrough();
  const frames: [number, string][] = [];
  readFrames(stream, (type, payload) => frames.push([type, payload.toString()]));
  for (const chunk of chunks) stream.emit('data', chunk);
  return frames;
}
function sent(write: (stream: PassThrough) => void): Buffer {
  const stream = new PassThrough();
  write(stream);
  return stream.read() as Buffer;
}

const bytes = sent((stream) => {
  writeFrame(stream, FRAME.stdout, Buffer.from('hello'));
  writeFrame(stream, FRAME.stderr, Buffer.alloc(0));
  writeMessage(stream, { type: 'wait' });
});
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
