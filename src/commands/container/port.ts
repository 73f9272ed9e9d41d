/** `port`: what is published, or where one port is. */
import { MinidockError } from '../../../runtime/errors.ts';
import { findContainer } from '../../engine/reconcile.ts';
import { addressText } from '../../../runtime/network/host-address.ts';
import type { Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

export const port: Verb = {
  startsLean: true,
  configure(command, { engine }) {
    command
      .usage('CONTAINER [PRIVATE_PORT[/PROTO]]')
      .argument('<container>')
      .argument('[port]')
      .action(async (name: string, wanted: string | undefined) => {
        const { state } = await findContainer(engine.containers, name);
        const ports = [...(state.network?.ports ?? [])].sort(
          (a, b) =>
            a.containerPort - b.containerPort ||
            compareText(a.protocol, b.protocol) ||
            // Docker sorts the lines that it prints.
            compareText(addressText(a.hostIp), addressText(b.hostIp)) ||
            a.hostPort - b.hostPort,
        );
        if (wanted === undefined) {
          for (const entry of ports) {
            stdout.write(
              `${String(entry.containerPort)}/${entry.protocol} -> ${addressText(entry.hostIp)}:${String(entry.hostPort)}\n`,
            );
          }
          return;
        }
        const [number = '', protocol = 'tcp'] = wanted.split('/');
        const found = ports.filter(
          (entry) => String(entry.containerPort) === number && entry.protocol === protocol,
        );
        if (found.length === 0) {
          throw new MinidockError({
            code: 'PORT_NOT_PUBLISHED',
            message: `No public port '${number}/${protocol}' published for ${name}`,
          });
        }
        for (const entry of found) stdout.write(`${addressText(entry.hostIp)}:${String(entry.hostPort)}\n`);
      });
  },
};

/** Not localeCompare, which loads the rules of languages first. */
const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
