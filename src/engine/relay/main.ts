/**
 * `minidock __relay`: the process that serves one published port whose clients the kernel cannot redirect, while there
 * are any. These are clients at ::1, whose packets can leave no host (IPv6 has no route_localnet), clients at link-local
 * addresses, and clients by IPv6 of a container that has IPv4 alone, or the other way round. All others are redirected
 * by the firewall and never come here.
 *
 * The shim holds the listening socket and starts this process with the first connection; it ends when it has none for a
 * while. So a port costs a socket, as any published port does. The container sees the bridge as the client. UDP has no
 * connections; flows.ts says what stands for them.
 */
import { closeSync, writeSync } from 'node:fs';
import { Flows } from './flows.ts';
import { POLLIN } from '../../../runtime/syscall/loops.ts';
import { acceptConnection, clientSocket, startConnecting } from '../../../runtime/syscall/sockets.ts';
import { isIpv6Text } from '../../../runtime/syscall/inet.ts';
import { serveOnce, type Source } from '../shim/poll-loop.ts';
import { RELAY_LISTENER, RELAY_PIPE, type RelayRequest } from './request.ts';
import { Relayed, ROOM } from './pipe.ts';

const MOST_CONNECTIONS = 1000;
/** Docker's proxy forgets a silent client of UDP after the same time. */
const SILENCE = 90_000;
/** The largest datagram. */
const DATAGRAM = 1 << 16;

export function runRelay(text: string): void {
  const request = JSON.parse(text) as RelayRequest;
  if (request.protocol === 'udp') relayDatagrams(request);
  else relayConnections(request);
  process.exit(0);
}

function relayDatagrams({ address, port, idle }: RelayRequest): void {
  const to = { address, port, most: MOST_CONNECTIONS, silence: SILENCE };
  const flows = new Flows(RELAY_LISTENER, to, Buffer.allocUnsafe(DATAGRAM));
  let abandoned = false;
  const shim: Source = { fd: RELAY_PIPE, events: 0, ready: () => (abandoned = true) };
  while (!abandoned) {
    const next = flows.forget(Date.now());
    const came = serveOnce([shim, ...flows.sources()], next < 0 ? idle : next);
    if (!came && flows.size === 0) break;
  }
  if (!abandoned) endInOrder();
}

function relayConnections({ address, port, idle }: RelayRequest): void {
  const room = Buffer.allocUnsafe(ROOM);
  const connections = new Set<Relayed>();
  let abandoned = false;
  const shim: Source = { fd: RELAY_PIPE, events: 0, ready: () => (abandoned = true) };
  const listener: Source = {
    fd: RELAY_LISTENER,
    events: POLLIN,
    ready: () => {
      const client = acceptConnection(RELAY_LISTENER);
      if (client === undefined) return;
      try {
        const { fd } = clientSocket('tcp', isIpv6Text(address) ? '::' : '0.0.0.0');
        try {
          startConnecting(fd, address, port);
          connections.add(new Relayed(client, fd, room, (relayed) => connections.delete(relayed)));
        } catch (error) {
          closeSync(fd);
          throw error;
        }
      } catch {
        closeSync(client); // The container has gone, or has no such address any more.
      }
    },
  };
  while (!abandoned) {
    const full = connections.size >= MOST_CONNECTIONS;
    const sources = [
      shim,
      ...(full ? [] : [listener]),
      ...[...connections].flatMap((relayed) => relayed.sources()),
    ];
    const came = serveOnce(sources, connections.size === 0 ? idle : -1);
    if (came || connections.size > 0) continue;
    endInOrder();
    break;
  }
}

/** One octet says so (shim/relay-service.ts). */
const endInOrder = (): void => void writeSync(RELAY_PIPE, '.');
