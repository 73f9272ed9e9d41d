import { expect, test } from '@jest/globals';
import { parseResolvConf, resolvConf, type ResolvInput } from '../../../../runtime/network/resolv.ts';

const plain: ResolvInput = { hostNetwork: false, dns: [], search: [], options: [] };
const STUB = 'nameserver 127.0.0.53\noptions edns0 trust-ad\nsearch example.org\n';

test("a server that a container can reach is kept, with the host's search and options", () => {
  const main =
    '# made by hand\nnameserver 192.0.2.53\nnameserver 127.0.0.1\nsearch a.example b.example\noptions ndots:2\n';
  expect(resolvConf(plain, { main, upstream: undefined })).toBe(
    'nameserver 192.0.2.53\nsearch a.example b.example\noptions ndots:2\n',
  );
});

test("systemd-resolved's stub is replaced by the servers behind it", () => {
  const upstream = 'nameserver 198.51.100.53\nnameserver 2001:db8::53\nsearch .\n';
  expect(resolvConf(plain, { main: STUB, upstream })).toBe(
    'nameserver 198.51.100.53\nsearch example.org\noptions edns0 trust-ad\n',
  );
});

test.each([
  ['only loopback', STUB],
  ['only IPv6, which the networks do not carry', 'nameserver 2001:db8::53\n'],
  ['no server', ''],
  ['no file', undefined],
])('with %s the public servers stand in, as with Docker', (_, main) => {
  expect(resolvConf(plain, { main, upstream: undefined })).toMatch(
    /^nameserver 8\.8\.8\.8\nnameserver 8\.8\.4\.4\n/,
  );
});

test("--dns, --dns-search and --dns-option replace the host's lines of their kind", () => {
  const files = { main: 'nameserver 192.0.2.53\nsearch example.org\noptions ndots:2\n', upstream: undefined };
  expect(resolvConf({ ...plain, dns: ['127.0.0.1', '192.0.2.9'] }, files)).toBe(
    'nameserver 127.0.0.1\nnameserver 192.0.2.9\nsearch example.org\noptions ndots:2\n',
  );
  expect(resolvConf({ ...plain, search: ['x.example'], options: ['use-vc'] }, files)).toBe(
    'nameserver 192.0.2.53\nsearch x.example\noptions use-vc\n',
  );
  expect(resolvConf({ ...plain, search: ['.'] }, files)).toBe('nameserver 192.0.2.53\noptions ndots:2\n');
});

test("on the host's network the file is the host's, byte for byte", () => {
  const main = '# comment\n' + STUB;
  expect(resolvConf({ ...plain, hostNetwork: true }, { main, upstream: undefined })).toBe(main);
  expect(
    resolvConf({ ...plain, hostNetwork: true, search: ['x.example'] }, { main, upstream: undefined }),
  ).toBe('nameserver 127.0.0.53\nsearch x.example\noptions edns0 trust-ad\n');
});

test('the last search line wins, comments do not count, options add up', () => {
  expect(
    parseResolvConf('domain one\nsearch two three ; no\n#nameserver 192.0.2.1\noptions a\noptions b\n'),
  ).toEqual({
    nameservers: [],
    search: ['two', 'three'],
    options: ['a', 'b'],
  });
});
