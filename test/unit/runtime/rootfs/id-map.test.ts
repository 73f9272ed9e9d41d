/** Which directories are mounted with a container's ids, and that nothing is where it has no users of its own. */
import { expect, test } from '@jest/globals';
import type { OciConfig } from '../../../../runtime/bundle.ts';
import { isIdMapped, mapLayerSteps } from '../../../../runtime/rootfs/id-map.ts';

const config = (lower: readonly string[], mapped = true): OciConfig => {
  const mapping = { containerID: 0, hostID: 2_000_224_256, size: 65536 };
  return {
    root: {
      path: '/run/c/rootfs',
      readonly: false,
      lower,
      upper: '/lib/c/overlay/upper',
      work: '/lib/c/overlay/work',
    },
    linux: mapped ? { uidMappings: [mapping], gidMappings: [mapping] } : {},
  } as unknown as OciConfig;
};

const targets = (one: OciConfig): readonly string[] =>
  mapLayerSteps(one).map(({ command }) => (command.kind === 'mount' ? command.target : ''));

test('the directory of all layers, and that of the upper one with its work directory', () => {
  expect(targets(config(['/lib/layers/a/fs']))).toEqual(['/lib/layers/a', '/lib/c/overlay']);
  expect(targets(config(['/lib/layers/a/fs', '/lib/layers/ab/fs']))).toEqual([
    '/lib/layers',
    '/lib/c/overlay',
  ]);
});

test('layers that share no directory but the root are mapped one by one', () => {
  expect(targets(config(['/one/fs', '/two/fs']))).toEqual(['/one/fs', '/two/fs', '/lib/c/overlay']);
});

test('the steps are the host’s, in mount(8)’s words; without users of its own there are none', () => {
  const [step] = mapLayerSteps(config(['/lib/layers/a/fs']));
  expect(step?.by).toBe('host');
  expect(step?.command).toMatchObject({ options: ['bind', 'X-mount.idmap=b:0:2000224256:65536'] });
  expect(isIdMapped(step?.command.kind === 'mount' ? step.command.options : [])).toBe(true);
  expect(mapLayerSteps(config(['/lib/layers/a/fs'], false))).toEqual([]);
});
