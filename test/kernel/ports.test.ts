/** Real sockets, on loopback only. */
import { createSocket } from 'node:dgram';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { PortRequest } from '../../runtime/network/types.ts';
import type { PortBinding } from '../../runtime/network/types.ts';
import { driver } from '../support/bun.ts';
import { startProgram, type Background } from '../support/host/processes.ts';

const open: (() => void)[] = [];
let ports: Background;
let answers: AsyncIterator<string>;
beforeEach(() => {
  ports = startProgram(driver('port-driver.ts'));
  const { stdout } = ports.child;
  if (stdout === null) throw new Error('startProgram gives pipes');
  answers = createInterface({ input: stdout })[Symbol.asyncIterator]();
});
afterEach(async () => {
  for (const close of open.splice(0)) close();
  ports.kill();
  await ports.exited;
});

interface Answer {
  readonly bindings?: readonly PortBinding[];
  readonly error?: { readonly code: string; readonly message: string; readonly hint?: string };
}

async function tell(command: object): Promise<Answer> {
  ports.child.stdin?.write(`${JSON.stringify(command)}\n`);
  return JSON.parse(String((await answers.next()).value)) as Answer;
}

const request = (hostPort: number, more: Partial<PortRequest> = {}): PortRequest => ({
  hostIp: '127.0.0.1',
  hostPort,
  containerPort: 80,
  protocol: 'tcp',
  ...more,
});

async function reserve(...requests: PortRequest[]): Promise<readonly PortBinding[]> {
  const { bindings, error } = await tell({ reserve: requests });
  if (bindings === undefined) throw new Error(JSON.stringify(error));
  return bindings;
}

const refusal = async (...requests: PortRequest[]): Promise<Answer['error']> =>
  (await tell({ reserve: requests })).error;

/** A port that another program holds; the number is the kernel's choice. */
async function busyPort(): Promise<{ port: number; server: Server }> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  open.push(() => void server.close());
  return { port: (server.address() as AddressInfo).port, server };
}

async function freePort(): Promise<number> {
  const { port, server } = await busyPort();
  await new Promise((resolve) => void server.close(resolve));
  open.pop();
  return port;
}

test('a port of 0 becomes a real one, of which nobody else gets hold until it is released', async () => {
  const first = await reserve(request(0));
  const port = first[0]?.hostPort ?? 0;
  expect(port).toBeGreaterThan(1023);
  expect(first).toEqual([{ hostIp: '127.0.0.1', hostPort: port, containerPort: 80, protocol: 'tcp' }]);
  expect(await refusal(request(port))).toMatchObject({ code: 'PORT_IN_USE', exitCode: 125 });
  await tell({ release: true });
  await reserve(request(port));
});

test("a busy port is refused in Docker's words, with who holds it", async () => {
  const { port } = await busyPort();
  expect(await refusal(request(port))).toMatchObject({
    code: 'PORT_IN_USE',
    message: `Bind for 127.0.0.1:${port} failed: port is already allocated`,
    hint: expect.stringMatching(
      new RegExp(`^\\S.* \\(pid ${process.pid}\\) listens on ${port}/tcp: `),
    ) as unknown,
  });
});

test('when one of several is busy none stays reserved', async () => {
  const { port } = await busyPort();
  const free = await freePort();
  expect(await refusal(request(free), request(port))).toMatchObject({ code: 'PORT_IN_USE' });
  await reserve(request(free));
});

test('a range of host ports gives the first that is free, and says when none is', async () => {
  const { port } = await busyPort();
  const bindings = await reserve(request(port, { hostPortEnd: Math.min(port + 20, 65535) }));
  expect(bindings[0]?.hostPort).toBeGreaterThan(port);
  expect(bindings[0]).not.toHaveProperty('hostPortEnd');
  const taken = bindings[0]?.hostPort ?? 0;
  if (taken === port + 1) {
    expect(await refusal(request(port, { hostPortEnd: taken }))).toMatchObject({
      code: 'PORTS_EXHAUSTED',
      message: 'Bind for 127.0.0.1 failed: all ports are allocated',
    });
  }
});

test('the same number is two ports, one of each protocol, and each is refused for itself', async () => {
  const port = await freePort();
  await reserve(request(port), request(port, { protocol: 'udp' }));
  expect(await refusal(request(port, { protocol: 'udp' }))).toMatchObject({
    code: 'PORT_IN_USE',
  });
  const socket = createSocket('udp4');
  const failure = await new Promise((resolve) => {
    socket.once('error', resolve);
    socket.bind({ port, address: '127.0.0.1' });
  });
  socket.close();
  expect(failure).toMatchObject({ code: 'EADDRINUSE' });
});

test('the same number on two addresses is two ports', async () => {
  const port = await freePort();
  await reserve(request(port), request(port, { hostIp: '127.0.0.2' }));
  expect(await refusal(request(port, { hostIp: '0.0.0.0' }))).toMatchObject({
    code: 'PORT_IN_USE',
  });
});

test('an address that the host does not have', async () => {
  expect(await refusal(request(8080, { hostIp: '203.0.113.77' }))).toMatchObject({
    code: 'PORT_ADDRESS_UNKNOWN',
    message: 'listen tcp4 203.0.113.77:8080: bind: cannot assign requested address',
    hint: "203.0.113.77 is not an address of this host: see 'ip address'.",
  });
});

test('a connection that arrives all the same is closed', async () => {
  const bindings = await reserve(request(0));
  const client = connect(bindings[0]?.hostPort ?? 0, '127.0.0.1');
  client.on('error', () => undefined);
  const closed = new Promise((resolve) => client.once('close', resolve));
  await tell({ refuse: true });
  await closed;
  expect(client.bytesRead).toBe(0);
});
