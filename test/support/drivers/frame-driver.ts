/**
 * frame-driver.ts INTERFACE FRAME...: puts Ethernet frames, in hexadecimal, on the wire of an interface as they are,
 * which takes CAP_NET_RAW and no more (packet(7)). Run by Bun inside the network namespace of the sender.
 */
import { closeSync, writeSync } from 'node:fs';
import { call } from '../../../runtime/syscall/ffi.ts';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SIOCGIFINDEX = 0x8933;

const [name = '', ...frames] = process.argv.slice(2);
const socket = call('socket', AF_PACKET, SOCK_RAW, 0);

/** struct ifreq: the name in sixteen bytes, then the answer. */
const request = Buffer.alloc(40);
request.write(name, 0);
call('ioctl', socket, SIOCGIFINDEX, request);

/** struct sockaddr_ll; protocol 0 receives nothing. */
const address = Buffer.alloc(20);
address.writeUInt16LE(AF_PACKET, 0);
address.writeInt32LE(request.readInt32LE(16), 4);
call('bind', socket, address, address.length);

for (const bytes of frames) writeSync(socket, Buffer.from(bytes, 'hex'));
closeSync(socket);
