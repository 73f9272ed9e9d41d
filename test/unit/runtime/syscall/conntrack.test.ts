/** Questions, answers and deletions as bytes; that the kernel understands them is seen in test/e2e/networks/former-flows.test.ts. */
import { expect, test } from '@jest/globals';
import { deletionOf, flowIn, isOf, requestsFor, type Flow } from '../../../../runtime/syscall/conntrack.ts';

const words = (bytes: Buffer | undefined): readonly string[] | undefined =>
  bytes?.toString('hex').match(/.{8}/g) ?? undefined;

test('flows of an address are asked for as sources and as those who answer', () => {
  const [original, reply] = requestsFor({ address: '172.17.0.2' });
  expect(words(original)).toEqual([
    // struct nlmsghdr: 48 bytes, IPCTNL_MSG_CT_GET of ctnetlink, a request for a dump; then struct nfgenmsg: ip.
    ...['30000000', '01010103', '00000000', '00000000', '02000000'],
    ...['10000180', '0c000180', '08000100', 'ac110002'],
    ...['0c001980', '08000100', '01000000'],
  ]);
  expect(words(reply)?.slice(5)).toEqual([
    ...['10000280', '0c000180', '08000100', 'ac110002'],
    ...['0c001980', '08000200', '01000000'],
  ]);
});

/** 192.0.2.1:1234 -> 192.0.2.2:53/udp, redirected to 172.17.0.2:5353; of the zone 7. */
const ORIGINAL =
  '34000180 14000180 08000100 c0000201 08000200 c0000202 1c000280 05000100 11000000 06000200 04d20000 06000300 00350000';
const REPLY =
  '34000280 14000180 08000100 ac110002 08000200 c0000201 1c000280 05000100 11000000 06000200 14e90000 06000300 04d20000';
const ID = '08000c00 11223344';
const ZONE = '06001200 00070000';
const MESSAGE = Buffer.from(
  ['a4000000 00010200 00000000 00000000 02000000', ORIGINAL, REPLY, '08000300 000001a8', ID, ZONE]
    .join('')
    .replaceAll(' ', ''),
  'hex',
);

test('a flow is read, and deleted by its tuple, id and zone', () => {
  const flow = flowIn(MESSAGE);
  expect(flow).toMatchObject({
    ...{ protocol: 17, source: '192.0.2.1', destination: '192.0.2.2', port: 53 },
    ...{ answerer: '172.17.0.2', status: 0x1a8 },
  });
  expect(words(deletionOf(flow?.handle ?? []))).toEqual([
    ...['58000000', '02010100', '00000000', '00000000', '02000000'],
    ...[ORIGINAL, ID, ZONE].flatMap((part) => part.split(' ')),
  ]);
  expect(flowIn(MESSAGE.subarray(0, 20))).toBeUndefined();
  // The kernel would take it for a wish to delete all.
  expect(() => deletionOf([])).toThrow('no tuple');
});

test('which flows are meant', () => {
  const redirected: Flow = {
    ...{ protocol: 17, source: '192.0.2.1', destination: '192.0.2.2', port: 53, answerer: '172.17.0.2' },
    ...{ status: 1 << 5, handle: [] },
  };
  expect(isOf(redirected, { address: '172.17.0.2' })).toBe(true);
  expect(
    isOf({ ...redirected, source: '172.17.0.2', answerer: '192.0.2.9' }, { address: '172.17.0.2' }),
  ).toBe(true);
  expect(isOf(redirected, { address: '172.17.0.3' })).toBe(false);
  const udp = (hostIp: string, first: number, count = 1): boolean =>
    isOf(redirected, { udp: [{ hostIp, first, count }] });
  expect([udp('0.0.0.0', 53), udp('192.0.2.2', 50, 4), udp('192.0.2.3', 53), udp('0.0.0.0', 50, 3)]).toEqual([
    ...[true, true, false, false],
  ]);
  const all = { udp: [{ hostIp: '0.0.0.0', first: 1, count: 65_535 }] };
  expect(isOf({ ...redirected, protocol: 6 }, all)).toBe(false);
  // A container's own query to a server out there is masqueraded.
  expect(isOf({ ...redirected, status: 1 << 4 }, all)).toBe(false);
});
