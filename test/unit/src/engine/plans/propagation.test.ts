import { expect, test } from '@jest/globals';
import { checkPropagation } from '../../../../../src/engine/plans/propagation.ts';

const mountinfo = [
  '20 1 0:1 / / rw - ext4 /dev/a rw',
  '21 20 0:2 / /proc rw shared:1 - proc proc rw',
  '22 20 0:3 / /usr rw,relatime master:7 - ext4 /dev/b rw',
  '23 20 0:4 / /bin rw shared:2 - tmpfs x rw',
  '24 23 0:5 / /bin rw - tmpfs y rw',
].join('\n');

const check = (source: string, ...options: readonly string[]): void => {
  checkPropagation([{ type: 'bind', source, target: '/y', readOnly: false, options }], () => mountinfo);
};

test.each([
  ['/proc', 'rslave'],
  ['/proc/self/ns', 'slave'],
  ['/proc', 'rshared'],
  ['/usr', 'rslave'],
  ['/', 'rprivate'],
])('%s may be %s', (source, option) => {
  expect(() => {
    check(source, option);
  }).not.toThrow();
});

test.each([
  ['/', 'rslave', 'path / is mounted on / but it is not a shared or slave mount'],
  ['/var', 'slave', 'path /var is mounted on / but it is not a shared or slave mount'],
  ['/usr', 'rshared', 'path /usr is mounted on /usr but it is not a shared mount'],
])('%s may not be %s', (source, option, message) => {
  expect(() => {
    check(source, option);
  }).toThrow(message);
});

test('of two mounts on one point the last counts', () => {
  expect(() => {
    checkPropagation(
      [{ type: 'bind', source: '/usr', target: '/y', readOnly: false, options: ['rslave'] }],
      () => `${mountinfo}\n30 22 0:9 / /usr rw - tmpfs z rw`,
    );
  }).toThrow('path /usr is mounted on /usr');
});

test('the mounts are not read when nobody asks', () => {
  const never = (): string => {
    throw new Error('read');
  };
  checkPropagation([{ type: 'bind', source: '/', target: '/y', readOnly: false, options: [] }], never);
  checkPropagation(
    [{ type: 'volume', source: '/', target: '/y', readOnly: false, options: ['rslave'] }],
    never,
  );
});
