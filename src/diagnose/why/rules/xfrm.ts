/** Policies of IPsec that block a packet (ip-xfrm(8)): no hook of the packet filter sees that, and no trace. */
import { look } from '../../host/look.ts';
import { isIn } from '../family.ts';
import { bad } from '../findings.ts';
import type { Finding, Stage } from '../model.ts';
import type { Scene } from '../observe.ts';
import { inStack, type Stack } from '../stack.ts';

interface Policy {
  readonly source: string;
  readonly destination: string;
  readonly direction: string;
}

const STAGES: Readonly<Record<string, Stage>> = { out: 'sender', fwd: 'forward', in: 'interface' };

/** The first on the way, there or back. */
export async function blockingPolicy(scene: Scene): Promise<Finding | undefined> {
  const { sender, receiver, host, journey, clientAddress } = scene;
  const server = scene.final?.address ?? journey.asked.address;
  const stacks = [sender, host, receiver].filter((stack) => stack !== undefined);
  const texts = await Promise.all(stacks.map((stack) => look(inStack(stack, ['ip', 'xfrm', 'policy']))));
  for (const [index, stack] of stacks.entries()) {
    for (const policy of blocks(texts[index] ?? '')) {
      const there = isIn(policy.source, clientAddress) && isIn(policy.destination, server);
      const back = isIn(policy.source, server) && isIn(policy.destination, clientAddress);
      if (there || back)
        return blocked(stack, policy, there ? (STAGES[policy.direction] ?? 'forward') : 'way back');
    }
  }
  return undefined;
}

function blocked(stack: Stack, { source, destination, direction }: Policy, stage: Stage): Finding {
  const text = `a policy of IPsec in ${stack.name} blocks what goes from ${source} to ${destination} (dir ${direction})`;
  const policy = [
    'ip',
    'xfrm',
    'policy',
    'delete',
    'dir',
    direction,
    'src',
    source,
    'dst',
    destination,
  ] as const;
  const fix = inStack(stack, policy).join(' ');
  return { ...bad(stage, 'xfrm', text, inStack(stack, ['ip', 'xfrm', 'policy'])), fix };
}

/** 'src 0.0.0.0/0 dst 10.9.0.0/24', then on the next line 'dir out action block priority 0'. */
function blocks(text: string): readonly Policy[] {
  return [...text.matchAll(/^src (\S+) dst (\S+)[^\n]*\n\s+dir (\w+) action block/gm)].map(
    ([, source = '', destination = '', direction = '']) => ({ source, destination, direction }),
  );
}
