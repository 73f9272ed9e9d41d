/** Volumes, binds and tmpfs whose target the image leads elsewhere by links. */
import { WAYS, type AttackCase } from '../case.ts';
import { probeContainer } from '../probe.ts';

const fdLinks = (target: string) =>
  Object.fromEntries(
    Array.from({ length: 57 }, (_, n) => [`/proc/self/fd/${String(n + 3)}`, { link: target }]),
  );

export const volumeCases: readonly AttackCase[] = [
  {
    name: 'volume-through-proc-self',
    story:
      'VOLUME /foo, where /foo leads to /proc/self, covers PID 1 with links to the attacker’s own mount.',
    short: true,
    ways: WAYS,
    attack: async (stage, way) => {
      const image = await stage.image({
        files: { '/foo': { link: '/proc/self' }, ...fdLinks('/sys/kernel/..') },
        config: { Volumes: { '/foo': {} } },
      });
      return await probeContainer(stage, way, image, []);
    },
  },
];
