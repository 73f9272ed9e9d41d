/** What --step shows before and after a step of the firewall is what that step changes. */
import { expect, test } from '@jest/globals';
import { planFirewall } from '../../../../../runtime/network/firewall/nftables.ts';

test.each([false, true])(
  'the look at a step that adds to sets is at one of these (internal: %s)',
  (internal) => {
    const network = { bridge: 'minidock0', subnet: '172.18.0.0/16', gateway: '172.18.0.1', internal };
    const looks = planFirewall(network as Parameters<typeof planFirewall>[0]).flatMap(
      ({ id, command, observe }) => {
        const input = command.kind === 'run' ? String(command.input ?? '') : '';
        const sets = [...input.matchAll(/^add element ip \S+ (\S+)/gm)].map(([, set]) => set);
        return sets.length === 0 ? [] : [{ id, sets, look: observe?.at(-1), kind: observe?.[2] }];
      },
    );
    expect(looks.map(({ id }) => id)).toEqual(['firewall.isolate', 'nat.masquerade']);
    for (const { sets, look, kind } of looks) {
      expect(kind).toBe('set');
      expect(sets).toContain(look);
    }
  },
);
