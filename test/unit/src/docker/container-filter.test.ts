import { describe, expect, test } from '@jest/globals';
import { matchContainer, parseContainerFilters } from '../../../../src/docker/container-filter.ts';
import type { ContainerEntry } from '../../../../src/docker/container-row.ts';
import {
  createdState,
  exitedState,
  imageId,
  plainSpec,
  runningState,
  sampleConfig,
} from '../../../support/container-samples.ts';

const web: ContainerEntry = { config: sampleConfig(), state: runningState };
const plain: ContainerEntry = {
  config: sampleConfig({
    id: '71'.repeat(32),
    name: 'plain',
    created: '2026-11-24T12:42:00Z',
    spec: { ...plainSpec, network: { ...plainSpec.network, mode: 'host' } },
  }),
  state: { ...runningState, network: undefined },
};
const made: ContainerEntry = {
  config: sampleConfig({
    id: '97e'.padEnd(64, '0'),
    name: 'made',
    created: '2026-11-24T12:43:00Z',
    spec: plainSpec,
  }),
  state: createdState,
};
const gone: ContainerEntry = {
  config: sampleConfig({ id: '49'.repeat(32), name: 'ex', created: '2026-11-24T12:44:00Z', spec: plainSpec }),
  state: exitedState,
};
const all = [web, plain, made, gone];

const names = (...filters: readonly string[]): readonly string[] => {
  const parsed = parseContainerFilters(filters);
  const findImageId = (name: string): string | undefined => (name === 'demo/web' ? imageId : undefined);
  return all
    .filter((entry) => matchContainer(parsed, entry, all, findImageId))
    .map(({ config }) => config.name);
};

test.each([
  [['name=web'], ['web']],
  [['name=^/web$'], ['web']],
  [['name=('], []],
  [
    ['name=web', 'name=ex'],
    ['web', 'ex'],
  ],
  [['id=978'], ['web']],
  [
    ['status=created', 'status=exited'],
    ['made', 'ex'],
  ],
  [['exited=3'], ['ex']],
  [['exited=0'], []],
  [['label=foo'], ['web']],
  [['label=foo=bar'], ['web']],
  [['label=foo=baz'], []],
  [['label=foo', 'label=b'], ['web']],
  [['label=foo', 'label=nope'], []],
  [['volume=vol'], ['web']],
  [['volume=/v'], ['web']],
  [['network=bridge'], ['web', 'made', 'ex']],
  [['network=host'], ['plain']],
  [['network=b7e6'], ['web']],
  [['publish=8080'], ['web']],
  [['publish=8000-8100/tcp'], ['web']],
  [['publish=80/udp'], []],
  [['expose=80'], ['web', 'plain']],
  [['expose=85-95'], ['web']],
  [['before=made'], ['web', 'plain']],
  [['since=plain'], ['made', 'ex']],
  [['ancestor=demo/web'], ['web', 'plain', 'made', 'ex']],
  [['ancestor=07e5581a6f9e'], ['web', 'plain', 'made', 'ex']],
  [['ancestor=nope'], []],
  [['name=e', 'status=exited'], ['ex']],
  [[''], ['web', 'plain', 'made', 'ex']],
])('%j lists %j', (filters, expected) => {
  expect(names(...filters)).toEqual(expected);
});

describe('mistakes are errors in Docker’s words', () => {
  test.each([
    ['foo=bar', "invalid filter 'foo'"],
    ['status=bogus', "invalid filter 'status=bogus'"],
    ['exited=x', "invalid filter 'exited=x'"],
    [
      'nonsense',
      'invalid argument "nonsense" for "-f, --filter" flag: bad format of filter (expected name=value)',
    ],
    ['publish=x', 'error while looking up for publish x'],
    ['health=fine', 'unrecognized filter value for health: fine'],
  ])('%s', (filter, message) => {
    expect(() => parseContainerFilters([filter])).toThrow(message);
  });

  test('before= a container that there is none of', () => {
    expect(() => names('before=nope')).toThrow('No such container: nope');
  });
});

test('asking for a status lists stopped containers too', () => {
  expect(parseContainerFilters(['status=exited']).selectsStatus).toBe(true);
  expect(parseContainerFilters(['exited=3']).selectsStatus).toBe(false);
});
