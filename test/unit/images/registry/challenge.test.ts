import { expect, test } from '@jest/globals';
import { parseChallenges } from '../../../../images/registry/challenge.ts';

const read = (header: string): unknown =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)]);

test.each([
  [
    'Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull,push"',
    [
      [
        'bearer',
        {
          realm: 'https://auth.docker.io/token',
          service: 'registry.docker.io',
          scope: 'repository:library/nginx:pull,push',
        },
      ],
    ],
  ],
  ['Basic realm="Registry Realm"', [['basic', { realm: 'Registry Realm' }]]],
  ['BASIC Realm=plain', [['basic', { realm: 'plain' }]]],
  [
    'Bearer realm="a \\"quoted\\" one" , service = x',
    [['bearer', { realm: 'a "quoted" one', service: 'x' }]],
  ],
  [
    'Basic realm="a", Bearer realm="https://b/t", service="c"',
    [
      ['basic', { realm: 'a' }],
      ['bearer', { realm: 'https://b/t', service: 'c' }],
    ],
  ],
  [
    'Negotiate, Basic realm="x"',
    [
      ['negotiate', {}],
      ['basic', { realm: 'x' }],
    ],
  ],
  ['', []],
])('%s', (header, challenges) => {
  expect(read(header)).toEqual(challenges);
});
