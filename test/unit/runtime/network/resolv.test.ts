import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  isLoopback,
  parseResolvConf,
  resolvConf,
  upstreamServers,
  type ResolvInput,
} from '../../../../runtime/network/resolv.ts';

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

test.each([
  ['one domain', 'domain one\n', { search: ['one'] }],
  ['several spaces and a tab', 'search  a \t b\n', { search: ['a', 'b'] }],
  ['a keyword alone', 'nameserver\noptions\n', {}],
  [
    'lines that end as on Windows',
    'search a # b\r\nnameserver 192.0.2.1 ; c\r\n',
    {
      nameservers: ['192.0.2.1'],
      search: ['a'],
    },
  ],
])('%s', (_, text, parts) => {
  expect(parseResolvConf(text)).toStrictEqual({ nameservers: [], search: [], options: [], ...parts });
});

test("flags count on the host's network too, however many there are of each", () => {
  const files = { main: 'nameserver 192.0.2.53\n', upstream: undefined };
  const onHost = { ...plain, hostNetwork: true };
  expect(resolvConf({ ...onHost, search: ['x.example'], options: ['use-vc'] }, files)).toBe(
    'nameserver 192.0.2.53\nsearch x.example\noptions use-vc\n',
  );
  expect(resolvConf({ ...onHost, dns: ['192.0.2.9'], search: ['x.example'] }, files)).toBe(
    'nameserver 192.0.2.9\nsearch x.example\n',
  );
});

test('a host without a file, or without a server in it, gets the public ones on its own network too', () => {
  const servers = 'nameserver 8.8.8.8\nnameserver 8.8.4.4\n';
  const onHost = { ...plain, hostNetwork: true };
  expect(resolvConf(onHost, { main: undefined, upstream: undefined })).toBe(servers);
  expect(resolvConf({ ...onHost, search: ['x'] }, { main: '', upstream: undefined })).toBe(
    `${servers}search x\n`,
  );
});

test('the files are read where nobody gives them', () => {
  const main = existsSync('/etc/resolv.conf') ? readFileSync('/etc/resolv.conf', 'utf8') : undefined;
  const files = { main, upstream: undefined };
  expect(resolvConf({ ...plain, hostNetwork: true })).toBe(
    resolvConf({ ...plain, hostNetwork: true }, files),
  );
  expect(upstreamServers(plain)).toEqual(upstreamServers(plain, files));
});

test.each([
  ['127.0.0.53', true],
  ['::1', true],
  ['192.0.2.127', false],
  ['::2', false],
])('%s is on the loopback: %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});

describe('with a resolver beside the container', () => {
  const resolver = '127.0.0.11';

  test.each([
    ['options ndots:2 edns0\n', [], 'options ndots:2 edns0\n'],
    ['options edns0\n', [], 'options edns0 ndots:0\n'],
    ['', [], 'options ndots:0\n'],
    ['options ndots:2\n', ['use-vc'], 'options use-vc ndots:0\n'],
    ['', ['ndots:3', 'use-vc'], 'options ndots:3 use-vc\n'],
  ])('%j and the options %j become %j', (host, options, expected) => {
    const main = `nameserver 192.0.2.53\nsearch a.example\n${host}`;
    expect(resolvConf({ ...plain, resolver, options }, { main, upstream: undefined })).toBe(
      `nameserver 127.0.0.11\nsearch a.example\n${expected}`,
    );
  });

  test('--dns and --dns-search say where and what it asks', () => {
    const files = { main: 'nameserver 192.0.2.53\nsearch a.example\n', upstream: undefined };
    expect(resolvConf({ ...plain, resolver, dns: ['192.0.2.9'], search: ['b.example'] }, files)).toBe(
      'nameserver 127.0.0.11\nsearch b.example\noptions ndots:0\n',
    );
  });

  test.each([
    ['nameserver 192.0.2.53\n', [], [{ address: '192.0.2.53' }]],
    [STUB, [], [{ address: '127.0.0.53', onHost: true }]],
    ['nameserver 2001:db8::53\n', [], [{ address: '2001:db8::53', onHost: true }]],
    [undefined, [], [{ address: '8.8.8.8' }, { address: '8.8.4.4' }]],
    ['nameserver fe80::1%eth0\n', [], [{ address: '8.8.8.8' }, { address: '8.8.4.4' }]],
    ['nameserver 192.0.2.53\n', ['fe80::1%eth0'], []],
    [STUB, ['192.0.2.9', '127.0.0.1'], [{ address: '192.0.2.9' }, { address: '127.0.0.1' }]],
    ['nameserver 192.0.2.53\n', ['2001:db8::53'], [{ address: '2001:db8::53', onHost: true }]],
    [
      'nameserver 192.0.2.53\nnameserver ::1\n',
      ['2001:db8::53', '192.0.2.9'],
      [{ address: '2001:db8::53', onHost: true }, { address: '192.0.2.9' }],
    ],
    [
      [1, 2, 3, 4].map((host) => `nameserver 192.0.2.${host}\n`).join(''),
      [],
      [{ address: '192.0.2.1' }, { address: '192.0.2.2' }, { address: '192.0.2.3' }],
    ],
  ])('%j and --dns %j are asked at %j', (main, dns, servers) => {
    expect(upstreamServers({ dns }, { main, upstream: undefined })).toStrictEqual(servers);
  });
});
