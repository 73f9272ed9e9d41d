/**
 * A large packet that got lost at one of its two ends: it is sent once more while those namespaces are traced, and the
 * message that asks for smaller packets (RFC 1191, RFC 8201) is looked for in the statistics of the one who sent it.
 */
import type { Finding } from '../model.ts';
import { inside } from '../../host/ip.ts';
import { look } from '../../host/look.ts';
import type { Scene } from '../observe.ts';
import { insideFinding } from '../rules/inside.ts';
import { chainsOf, readRuleset } from '../ruleset.ts';
import type { Stack } from '../stack.ts';
import { dropIn, parseTrace } from '../trace.ts';
import { startTracing } from '../tracing.ts';

/** One end of the connection, with the ports that it knows. */
interface Place {
  readonly stack: Stack;
  readonly clientPort: number;
  readonly ports: readonly number[];
}

interface Again {
  readonly go: () => Promise<boolean>;
  /** Who sends it; undefined for a stand-in. */
  readonly from: Stack | undefined;
  readonly places: readonly Place[];
}

export async function lookInside(
  scene: Scene,
  { go, from, places }: Again,
): Promise<{ readonly inside?: Finding; readonly wasTold: boolean }> {
  const { family } = scene.journey;
  const tracings = await Promise.all(
    places.map(({ stack, clientPort, ports }) =>
      startTracing(scene.journey, clientPort, ports, devicesOf(stack), stack.enter),
    ),
  );
  try {
    const before = from === undefined ? 0 : await tooBigs(from);
    await go();
    await Promise.all(tracings.map((one) => one.settle()));
    const wasTold = from === undefined || (await tooBigs(from)) > before;
    for (const [index, { stack, clientPort }] of places.entries()) {
      const { table = '', output = () => '' } = tracings[index] ?? {};
      const ruleset = await readRuleset(family, stack.enter);
      const drop = dropIn(parseTrace(output(), clientPort, chainsOf(ruleset), table));
      if (drop === undefined) continue;
      const more = `; it has ${drop.packet.length} bytes, and small ones pass`;
      return { inside: insideFinding(scene, { stack, ruleset, drop, clientPort }, more), wasTold };
    }
    return { wasTold };
  } finally {
    await Promise.all(tracings.map((one) => one.end()));
  }
}

const devicesOf = ({ interfaces }: Stack): readonly string[] =>
  interfaces.flatMap(({ ifname }) => (ifname === 'lo' ? [] : [ifname]));

/** Messages that have come in there, among others of the same type. */
async function tooBigs({ enter, family }: Stack): Promise<number> {
  const text = await look(inside(enter, ['cat', family === 6 ? '/proc/net/snmp6' : '/proc/net/snmp']));
  if (family === 6) return Number(/^Icmp6InPktTooBigs\s+(\d+)/m.exec(text)?.[1] ?? 0);
  const [names = [], values = []] = text
    .split('\n')
    .flatMap((line) => (line.startsWith('Icmp: ') ? [line.split(' ')] : []));
  return Number(values[names.indexOf('InDestUnreachs')] ?? 0);
}
