import { expect, test } from '@jest/globals';
import {
  isInsecure,
  isLoopback,
  isThisMachine,
  listEndpoints,
} from '../../../../images/registry/endpoints.ts';

const none = { insecureRegistries: [], mirrors: [] };
const urls = (domain: string, options = {}): string[] =>
  listEndpoints(domain, { ...none, ...options }).map(({ base }) => base.href);

test.each([
  ['docker.io', {}, ['https://registry-1.docker.io/']],
  [
    'docker.io',
    { mirrors: ['https://m.example', 'http://n.example:5000'] },
    ['https://m.example/', 'http://n.example:5000/', 'https://registry-1.docker.io/'],
  ],
  ['quay.io', { mirrors: ['https://m.example'] }, ['https://quay.io/']],
  ['docker.io', { mirrors: ['m.example/path'] }, ['https://m.example/path', 'https://registry-1.docker.io/']],
  ['localhost:5000', {}, ['http://localhost:5000/']],
  ['127.0.0.1:5000', {}, ['http://127.0.0.1:5000/']],
  ['[::1]:5000', {}, ['http://[::1]:5000/']],
  ['reg.example:5000', { insecureRegistries: ['reg.example:5000'] }, ['https://reg.example:5000/']],
])('%s with %j is asked at %j', (domain, options, expected) => {
  expect(urls(domain, options)).toEqual(expected);
});

test.each([
  ['localhost', true],
  ['LOCALHOST', true],
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['[::1]', true],
  ['::1', true],
  ['127.0.0.1.example', false],
  ['localhost.example', false],
  ['10.0.0.1', false],
  ['128.0.0.1', false],
  ['[[::1]', false],
  ['[::1]]', false],
])('%s is loopback: %s', (host, expected) => {
  expect(isLoopback(host)).toBe(expected);
});

test.each([
  ['http://127.9.9.9/', true],
  ['http://[::1]/', true],
  ['http://0/', true],
  ['http://[::]/', true],
  ['http://[::ffff:127.0.0.1]/', true],
  ['http://[::ffff:0.0.0.0]/', true],
  ['http://[::ffff:127.1.2.3]/', true],
  ['http://10.0.0.0/', false],
  ['http://[2001:db8::]/', false],
  ['http://localhost./', true],
  ['http://registry.localhost/', true],
  ['http://localhost.example/', false],
  ['http://[::ffff:128.0.0.1]/', false],
  ['http://[::2]/', false],
  ['http://10.0.0.1/', false],
])('%s leads to this machine: %s', (url, expected) => {
  expect(isThisMachine(new URL(url).hostname)).toBe(expected);
});

test.each([
  ['reg.example', [], false],
  ['reg.example', ['reg.example'], true],
  ['reg.example:5000', ['reg.example'], true],
  ['reg.example:5000', ['reg.example:5001'], false],
  ['reg.example', ['reg.example:5000'], false],
  ['192.0.2.7:5000', ['192.0.2.0/24'], true],
  ['192.0.3.7', ['192.0.2.0/24'], false],
  ['reg.example', ['0.0.0.0/0'], false],
  ['[2001:db8::5]:5000', ['2001:db8::/32'], true],
  ['127.0.0.1:5000', [], true],
  ['reg.example:5000', ['reg.example:5000'], true],
  ['192.0.2.7', ['2001:db8::/32'], false],
  ['192.0.2.7', ['no.address/8'], false],
  ['reg.example', ['no.address/8'], false],
  ['192.0.2.7', ['192.0.2.0/x8'], false],
  ['192.0.2.7', ['192.0.2.0/8x'], false],
  ['192.0.2.7', ['192.0.2.0/33', '192.0.2.7/32'], true],
  ['192.0.2.7', ['192.0.2.0/33'], false],
  ['2001:db8::5', ['2001:db8::5/129'], false],
  ['[2001:db8::5]:5000', ['2001:db8::5/128'], true],
  ['[[2001:db8::5]', ['2001:db8::/32'], false],
  ['[2001:db8::5]]', ['2001:db8::/32'], false],
])('%s with %j may be spoken to in the clear: %s', (host, insecure, expected) => {
  expect(isInsecure(host, insecure)).toBe(expected);
});

test('docker.io has its own key in config.json', () => {
  expect(listEndpoints('docker.io', none)[0]?.credentialsKey).toBe('https://index.docker.io/v1/');
  expect(listEndpoints('quay.io', none)[0]?.credentialsKey).toBe('quay.io');
});

test('a mirror is one, and in the clear only where its URL or the user says so', () => {
  const mirrors = ['https://m.example', 'http://n.example', 'https://o.example'];
  expect(listEndpoints('docker.io', { insecureRegistries: ['o.example'], mirrors })).toMatchObject([
    { mirror: true, insecure: false, credentialsKey: 'm.example' },
    { mirror: true, insecure: true },
    { mirror: true, insecure: true },
    { mirror: false, insecure: false },
  ]);
  expect(listEndpoints('quay.io', none)).toMatchObject([{ mirror: false, insecure: false }]);
});

test.each(['ftp://m.example', 'https://', 'http://a b', 'https://m.example/?a=b'])(
  'the mirror %s is refused',
  (mirror) => {
    expect(() => urls('docker.io', { mirrors: [mirror] })).toThrow(
      expect.objectContaining({
        code: 'INVALID_MIRROR',
        message: `"${mirror}" is not a registry mirror`,
      }),
    );
  },
);

test('a name that holds one of this machine is another name', () => {
  for (const name of ['x0.0.0.0', '[[::]', '[::]]']) expect(isThisMachine(name)).toBe(false);
});
