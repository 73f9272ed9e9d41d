import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { hostsFile, parseExtraHost, type HostsInput } from '../../../../runtime/network/hosts.ts';

const input: HostsInput = {
  hostNetwork: false,
  addresses: ['172.17.0.2'],
  hostname: '0123456789ab',
  domainname: '',
  extraHosts: [],
  gateway: '172.17.0.1',
};

test("the file is Docker's, line by line", () => {
  expect(
    hostsFile({
      ...input,
      extraHosts: ['db:192.0.2.7', 'six=2001:db8::1', 'host.docker.internal:host-gateway'],
    }),
  ).toBe(`127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
ff00::\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
192.0.2.7\tdb
2001:db8::1\tsix
172.17.0.1\thost.docker.internal
172.17.0.2\t0123456789ab
`);
});

test('a domain name goes before the short one', () => {
  expect(hostsFile({ ...input, hostname: 'web', domainname: 'example.org' })).toMatch(
    /\n172\.17\.0\.2\tweb\.example\.org web\n$/,
  );
});

test.each([
  ['a.b.c', '', 'a.b.c a'],
  ['a.b.c', 'example.org', 'a.b.c.example.org a.b.c'],
  ['web', '', 'web'],
])('the host name %s with the domain %j is found as %j', (hostname, domainname, names) => {
  const lines = hostsFile({ ...input, hostname, domainname }).split('\n');
  expect(lines.at(-2)).toBe(`172.17.0.2\t${names}`);
});

test('links and addresses have a line each', () => {
  const links = ['172.17.0.8\tdb', '172.17.0.9\tcache'];
  const text = hostsFile({ ...input, addresses: ['172.17.0.2', '172.18.0.2'], links });
  expect(text).toMatch(
    /ip6-allrouters\n172\.17\.0\.8\tdb\n172\.17\.0\.9\tcache\n172\.17\.0\.2\t0123456789ab\n172\.18\.0\.2\t0123456789ab\n$/,
  );
});

test('without an address there is no line for the container', () => {
  expect(hostsFile({ ...input, addresses: [] })).toMatch(/ip6-allrouters\n$/);
  expect(hostsFile({ ...input, hostname: '' })).toMatch(/ip6-allrouters\n$/);
});

test("on the host's network it is the host's file and what was added", () => {
  const host = { ...input, hostNetwork: true, addresses: [], gateway: '', extraHosts: ['me:host-gateway'] };
  expect(hostsFile(host, () => '127.0.0.1 localhost')).toBe('127.0.0.1 localhost\n127.0.0.1\tme\n');
  expect(hostsFile(host, () => '127.0.0.1 localhost\n')).toBe('127.0.0.1 localhost\n127.0.0.1\tme\n');
  expect(hostsFile(host, () => '')).toBe('127.0.0.1\tme\n');
  expect(hostsFile({ ...host, extraHosts: ['a:192.0.2.1', 'b:192.0.2.2'] }, () => '')).toBe(
    '192.0.2.1\ta\n192.0.2.2\tb\n',
  );
  expect(hostsFile({ ...host, extraHosts: [] })).toBe(
    readFileSync('/etc/hosts', 'utf8').replace(/([^\n])$/, '$1\n'),
  );
});

test.each([
  ['name', 'bad format for add-host: "name"'],
  [':192.0.2.1', 'bad format for add-host: ":192.0.2.1"'],
  ['name:', 'bad format for add-host: "name:"'],
  ['name:300.1.1.1', 'invalid IP address in add-host: "300.1.1.1"'],
  ['name:a[2001:db8::1]', 'invalid IP address in add-host: "a[2001:db8::1]"'],
  ['name:[2001:db8::1]a', 'invalid IP address in add-host: "[2001:db8::1]a"'],
  ...['2001:db8::g', 'x2001:db8::1', 'fe80::1%', 'fe80::1%eth0!', 'abcd', '[2001:db8::1', '2001:db8::1]'].map(
    (address): [string, string] => [`name=${address}`, `invalid IP address in add-host: "${address}"`],
  ),
])("--add-host '%s' is refused: %s", (entry, message) => {
  expect(() => parseExtraHost(entry)).toThrow(expect.objectContaining({ code: 'BAD_EXTRA_HOST', message }));
});

test('an IPv6 address may name its link', () => {
  expect(parseExtraHost('six=fe80::1%eth0')).toEqual({ name: 'six', address: 'fe80::1%eth0' });
});

test('a name may be one letter', () => {
  expect(parseExtraHost('x:192.0.2.1')).toEqual({ name: 'x', address: '192.0.2.1' });
});

test('an IPv6 address may stand in brackets', () => {
  expect(parseExtraHost('six:[2001:db8::1]')).toEqual({ name: 'six', address: '2001:db8::1' });
});
