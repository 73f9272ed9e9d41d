/**
 * `minidock __resolve`: the process that answers at 127.0.0.11 of one container, while somebody asks. Its shim starts
 * it with the first query and it ends by itself; the sockets stay open at the shim, so no query is lost between.
 *
 * It lives in the container's network namespace, so that what it asks outside passes the rules that hold for the
 * container. A server on the host's loopback is asked from the host's namespace, where it is.
 */
import { openSync, writeSync } from 'node:fs';
import { CLONE_NEWNET } from '../../../runtime/syscall/constants.ts';
import { kernel } from '../../../runtime/syscall/libc.ts';
import { FIRST_DESCRIPTOR, RESOLVER_DESCRIPTORS, type ResolverRequest } from './request.ts';
import { Resolver } from './server.ts';
import { Zone } from './zone.ts';

export function runResolver(text: string): void {
  const { paths, zone, netns, idle } = JSON.parse(text) as ResolverRequest;
  const [udp = -1, tcp = -1, pipe = -1] = RESOLVER_DESCRIPTORS.map((_, at) => FIRST_DESCRIPTOR + at);
  const host = openSync('/proc/self/ns/net', 'r');
  const own = openSync(`/run/netns/${netns}`, 'r');
  kernel.setns(own, CLONE_NEWNET);
  const resolver = new Resolver({ udp, tcp, pipe }, new Zone(paths, zone), (server, make) => {
    if (server.onHost !== true) return make();
    kernel.setns(host, CLONE_NEWNET);
    try {
      return make();
    } finally {
      kernel.setns(own, CLONE_NEWNET);
    }
  });
  // One octet says that it ends as it should (shim/name-service.ts).
  if (resolver.serve(idle)) writeSync(pipe, '.');
  process.exit(0);
}
