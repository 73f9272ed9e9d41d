/** The bytes of the question; that the kernel understands it is seen in test/e2e/networks/firewall-state.test.ts. */
import { expect, test } from '@jest/globals';
import { checkAnswer } from '../../../../runtime/syscall/netlink.ts';
import { requestFor } from '../../../../runtime/syscall/nft-element.ts';

test('header, table, set and the key in its four wrappings, each with its length and padding', () => {
  const request = requestFor({ table: 'minidock', set: 'published', key: '060000001f900000' });
  expect(request.toString('hex').match(/.{8}/g)).toEqual([
    // struct nlmsghdr: 76 bytes, NFT_MSG_GETSETELEM of nftables, a request; then struct nfgenmsg: ip.
    ...['4c000000', '0d0a0100', '00000000', '00000000', '02000000'],
    ...['0d000100', '6d696e69', '646f636b', '00000000'],
    ...['0e000200', '7075626c', '69736865', '64000000'],
    ...['18000380', '14000180', '10000180', '0c000100', '06000000', '1f900000'],
  ]);
});

test('a missing element differs from a question the kernel will not answer, which says nothing of it', () => {
  // struct nlmsghdr of type NLMSG_ERROR, then the error's number.
  const failed = (errno: string): Buffer => Buffer.from(`24000000020000000000000000000000${errno}`, 'hex');
  expect(() => checkAnswer(failed('feffffff'), 'GET')).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  expect(() => checkAnswer(failed('ffffffff'), 'GET')).toThrow(expect.objectContaining({ code: 'EPERM' }));
  expect(() => checkAnswer(Buffer.from('140000000c0a00000000000000000000', 'hex'), 'GET')).not.toThrow();
});
