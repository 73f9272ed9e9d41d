/** `--network` in both of its forms, with Docker's words for what is wrong (docker.io 26.1). */
import { describe, expect, test } from '@jest/globals';
import { attachmentRequests, parseLink } from '../../../../../src/engine/spec/attachment-flags.ts';
import { byGateway, endpointSpecs, endpointStates } from '../../../../../src/engine/spec/endpoints.ts';
import type { NetworkSpec } from '../../../../../src/engine/spec/container.ts';

const PLAIN = { aliases: [], links: [], driverOpts: {}, priority: 0 };

describe('--network', () => {
  test('a name, several names, the long form', () => {
    expect(attachmentRequests({})).toEqual([{ target: 'default', ...PLAIN }]);
    expect(attachmentRequests({ network: ['a', 'b'] })).toEqual([
      { target: 'a', ...PLAIN },
      { target: 'b', ...PLAIN },
    ]);
    const long =
      'name=a,alias=x,ALIAS=y,ip=10.0.0.5,mac-address=02:00:00:00:00:01,driver-opt=k=v=w,gw-priority=-3';
    expect(attachmentRequests({ network: [long] })).toEqual([
      {
        target: 'a',
        aliases: ['x', 'y'],
        links: [],
        ip: '10.0.0.5',
        macAddress: '02:00:00:00:00:01',
        driverOpts: { k: 'v=w' },
        priority: -3,
      },
    ]);
  });

  test('older flags are about the first network', () => {
    const flags = { network: ['a', 'b'], networkAlias: ['x'], link: ['db', '/db:store'], ip: '10.0.0.5' };
    expect(attachmentRequests(flags)).toEqual([
      { target: 'a', ...PLAIN, aliases: ['x'], links: ['db:db', 'db:store'], ip: '10.0.0.5' },
      { target: 'b', ...PLAIN },
    ]);
  });

  test('empty names are none, --net is the same flag, and the first is the mode', () => {
    expect(attachmentRequests({ network: ['', 'a'], net: ['', 'b'] })).toEqual([
      { target: 'a', ...PLAIN },
      { target: 'b', ...PLAIN },
    ]);
    expect(attachmentRequests({ network: [''] })).toEqual([{ target: 'default', ...PLAIN }]);
    expect(attachmentRequests({ network: ['container:web'] })).toEqual([
      { target: 'container:web', ...PLAIN },
    ]);
    // Docker's own test for the long form: a word before the sign and one behind it.
    for (const target of ['=', 'a=', '=b']) {
      expect(attachmentRequests({ network: [target] })).toEqual([{ target, ...PLAIN }]);
    }
  });

  test('in the long form: every field, spaces around, quotes, the last of two', () => {
    const long = 'n=1, name = a ,"alias=x,y"';
    expect(() => attachmentRequests({ network: [long] })).toThrow('invalid field key n');
    expect(
      attachmentRequests({
        network: ['name= a ,name=b,"alias=say""x"",y",ip6=fd00::5,gw-priority=12,driver-opt= K = v '],
      }),
    ).toEqual([
      {
        ...{ target: 'b', ...PLAIN },
        aliases: ['say"x",y'],
        ip6: 'fd00::5',
        priority: 12,
        driverOpts: { k: 'v' },
      },
    ]);
  });

  test('a field that is not given is no field of the request', () => {
    for (const network of [[], ['a'], ['name=a,alias=x']]) {
      expect(Object.keys(attachmentRequests({ network })[0]).sort()).toEqual(
        ['target', 'aliases', 'links', 'driverOpts', 'priority'].sort(),
      );
    }
    expect(attachmentRequests({ network: ['a', 'name=b,alias=x'], link: ['db'] })[1]).toEqual({
      ...{ target: 'b', ...PLAIN },
      aliases: ['x'],
    });
  });

  test('a quote within a field is a letter, and so is one at its end', () => {
    expect(attachmentRequests({ network: ['name=a,alias=x"'] })[0].aliases).toEqual(['x"']);
  });

  test('older flags are about the first network, and leave what they do not name', () => {
    const first = {
      networkAlias: ['y'],
      link: ['db'],
      ip: '10.0.0.5',
      ip6: 'fd00::5',
      macAddress: '02:00:00:00:00:01',
    };
    expect(attachmentRequests({ network: ['a', 'b'], ...first })).toEqual([
      {
        target: 'a',
        ...PLAIN,
        aliases: ['y'],
        links: ['db:db'],
        ip: '10.0.0.5',
        ip6: 'fd00::5',
        macAddress: '02:00:00:00:00:01',
      },
      { target: 'b', ...PLAIN },
    ]);
    const own = 'name=a,alias=x,ip=10.0.0.5,ip6=fd00::5,mac-address=02:00:00:00:00:01';
    expect(attachmentRequests({ network: [own], link: ['db'] })).toEqual([
      {
        ...{ target: 'a', ...PLAIN, aliases: ['x'], links: ['db:db'] },
        ...{ ip: '10.0.0.5', ip6: 'fd00::5', macAddress: '02:00:00:00:00:01' },
      },
    ]);
  });

  test.each([
    [{ networkAlias: ['y'] }, '--network-alias and per-network alias'],
    [{ ip: '10.0.0.6' }, '--ip and per-network IPv4 address'],
    [{ ip6: 'fd00::6' }, '--ip6 and per-network IPv6 address'],
    [{ macAddress: '02:00:00:00:00:02' }, '--mac-address and per-network MAC address'],
  ])('%j and its field are refused, and only together', (flags, words) => {
    const network = ['name=a,alias=x,ip=10.0.0.5,ip6=fd00::5,mac-address=02:00:00:00:00:01'];
    expect(() => attachmentRequests({ network, ...flags })).toThrow(
      `conflicting options: cannot specify both ${words}`,
    );
    expect(attachmentRequests({ network: ['a'], ...flags })).toHaveLength(1);
    expect(attachmentRequests({ network })).toHaveLength(1);
  });

  test.each(['default', 'bridge', 'host', 'none', 'container:web'])(
    '%s has no aliases, nor others beside',
    (one) => {
      expect(() => attachmentRequests({ network: [one], networkAlias: ['x'] })).toThrow(
        'network-scoped aliases are only supported for user-defined networks',
      );
      expect(() => attachmentRequests({ network: [one, 'a'] })).toThrow(
        'conflicting options: cannot attach both user-defined and non-user-defined network-modes',
      );
      expect(() => attachmentRequests({ network: ['a', one] })).toThrow('cannot attach both');
    },
  );

  test('links are for networks of the user, and for the default one', () => {
    const link = ['db'];
    for (const network of [[], ['default'], ['bridge'], ['a']]) {
      expect(attachmentRequests({ network, link })[0].links).toEqual(['db:db']);
    }
    for (const network of [['host'], ['none'], ['container:web']]) {
      expect(() => attachmentRequests({ network, link })).toThrow(
        'links are only supported for user-defined networks',
      );
    }
    expect(() => attachmentRequests({ network: ['a', 'name=b,alias=x'], link })).not.toThrow();
  });

  test.each([
    [['name=a,gw-priority=x'], 'invalid gw-priority (x): a whole number is wanted'],
    [['name=a,gw-priority=1x'], 'invalid gw-priority (1x)'],
    [['name=a,gw-priority=x1'], 'invalid gw-priority (x1)'],
    [['name=a,gw-priority=1234567890'], 'invalid gw-priority (1234567890)'],
    [['name=a,ip6=::1,link-local-ip=fe80::1'], 'link-local addresses are not supported'],
    [['name=a,speed=1'], 'invalid argument "name=a,speed=1" for "--network" flag: invalid field key speed'],
    [['name=a,alias'], 'for "--network" flag: invalid field alias'],
    [['name=a,=x'], 'invalid field =x'],
    [['name=a,b=c,=x'], 'invalid field =x'],
    [['name=,alias=x'], 'network name/id is not specified'],
    [['name=a,driver-opt=k'], 'invalid key value pair format in driver options'],
    [['name=a,alias=x y'], 'a name has no spaces or line breaks'],
    [['name=a,alias='], 'invalid argument "" for "--network-alias" flag: a name has no spaces'],
    [['alias=bar'], 'network name/id is not specified'],
    [['a', 'none'], 'cannot attach both user-defined and non-user-defined network-modes'],
    [['a', 'b', 'a'], 'network "a" is specified multiple times'],
  ])('%j is refused', (network, words) => {
    expect(() => attachmentRequests({ network })).toThrow(words);
  });

  test('one letter before the sign is a key; a driver option may have no key', () => {
    expect(attachmentRequests({ network: ['name=a,driver-opt==v,gw-priority=-123456789'] })).toEqual([
      { target: 'a', ...PLAIN, driverOpts: { '': 'v' }, priority: -123456789 },
    ]);
    expect(() => attachmentRequests({ network: ['name=a,x=1'] })).toThrow('invalid field key x');
  });

  test('--link: slashes of names go, only at their beginning', () => {
    expect(parseLink('/a/b:/c/d')).toBe('a/b:c/d');
    expect(parseLink('a/b:c/d')).toBe('a/b:c/d');
    expect(parseLink('/a')).toBe('a:a');
  });

  test.each([
    ['', 'empty string specified for links'],
    ['a:b:c', 'bad format for links: a:b:c'],
    [':b', 'bad format for links: :b'],
    ['a:', 'bad format for links: a:'],
    ['a:b c', 'a name has no spaces or line breaks'],
  ])('--link %j is refused', (link, words) => {
    expect(() => parseLink(link)).toThrow(`for "--link" flag: ${words}`);
  });
});

test('records of older versions have one network', () => {
  const old = { mode: 'net', ip: '10.0.0.5', macAddress: '' } as unknown as NetworkSpec;
  expect(endpointSpecs(old)).toEqual([{ network: 'net', ip: '10.0.0.5' }]);
  expect(endpointSpecs({ ...old, mode: 'host', ip: '' })).toEqual([]);
  expect(endpointStates(undefined)).toEqual([]);
});

test('the way out: no internal network, the highest priority, the first name', () => {
  const route = (name: string, priority = 0, internal = false): Parameters<typeof byGateway>[0] => ({
    network: { name, internal },
    priority,
  });
  const sorted = [route('a', 9, true), route('c'), route('b'), route('z', 1)].toSorted(byGateway);
  expect(sorted.map(({ network }) => network.name)).toEqual(['z', 'b', 'c', 'a']);
});
