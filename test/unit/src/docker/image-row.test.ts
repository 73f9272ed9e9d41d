import { describe, expect, test } from '@jest/globals';
import type { StoredImage } from '../../../../images/types.ts';
import { formatList } from '../../../../src/docker/format.ts';
import { filterImages, parseImageFilters } from '../../../../src/docker/image-filter.ts';
import { imageEntries, imageListStyle, imageRow } from '../../../../src/docker/image-row.ts';
import { sampleImage } from '../../../support/container-samples.ts';

const now = new Date('2026-11-24T12:52:30Z');
const digest = `sha256:${'a'.repeat(64)}`;
const web = sampleImage({
  tags: [
    'docker.io/demo/web:2',
    'docker.io/demo/web:1',
    'docker.io/library/nginx:latest',
    'localhost:5000/x/y:z',
  ],
  repoDigests: [`docker.io/library/nginx@${digest}`],
});
const dangling = sampleImage({
  id: `sha256:${'b'.repeat(64)}`,
  tags: [],
  config: { ...web.config, created: '2026-11-23T00:00:00Z', config: {} },
});
const images: readonly StoredImage[] = [dangling, web];

describe('images', () => {
  test('a row for each name, newest image first', async () => {
    const rows = imageEntries(images).map((entry) => imageRow(entry, { noTrunc: false, now }));
    expect(await formatList(rows, imageListStyle(false), {})).toBe(
      [
        'REPOSITORY           TAG       IMAGE ID       CREATED          SIZE',
        'demo/web             1         07e5581a6f9e   11 minutes ago   2.02MB',
        'demo/web             2         07e5581a6f9e   11 minutes ago   2.02MB',
        'nginx                latest    07e5581a6f9e   11 minutes ago   2.02MB',
        'localhost:5000/x/y   z         07e5581a6f9e   11 minutes ago   2.02MB',
        '<none>               <none>    bbbbbbbbbbbb   37 hours ago     2.02MB',
        '',
      ].join('\n'),
    );
  });

  test('digests', () => {
    const digests = imageEntries([web]).map((entry) => imageRow(entry, { noTrunc: true, now })['Digest']);
    expect(digests).toEqual(['<none>', '<none>', digest, '<none>']);
    expect(imageListStyle(true).defaultColumns).toContain('Digest');
  });
});

describe('filters', () => {
  const chosen = (filters: readonly string[], reference?: string): readonly string[] => {
    const find = (name: string): StoredImage | undefined => (name === 'web' ? web : undefined);
    const entries = filterImages(
      imageEntries(images),
      parseImageFilters(filters, reference),
      find,
      BigInt(now.getTime()) * 1_000_000n,
    );
    return entries.map(({ repository, tag }) => `${repository}:${tag}`);
  };

  test.each([
    [['dangling=true'], ['<none>:<none>']],
    [['reference=demo/*'], ['demo/web:1', 'demo/web:2']],
    [['reference=ngin*'], ['nginx:latest']],
    [['reference=*:z'], []],
    [['reference=*/*/*:z'], ['localhost:5000/x/y:z']],
    [['reference=localhost:5000/x/y'], ['localhost:5000/x/y:z']],
    [['reference=[mn]gin?'], ['nginx:latest']],
    [['reference=[^n]*'], []],
    [['reference=demo/[a-z]eb:[2-9]'], ['demo/web:2']],
    [['reference=demo/[^x]eb:\\2'], ['demo/web:2']],
    [['label=nope'], []],
    [['before=web'], ['<none>:<none>']],
    [['until=1h'], ['<none>:<none>']],
  ])('%j', (filters, expected) => {
    expect(chosen(filters)).toEqual(expected);
  });

  test.each(['[', '[]', '[a', '[z-a]', '[-]', 'a\\', '[a\\'])('%s is no pattern', (pattern) => {
    expect(() => chosen([`reference=${pattern}`])).toThrow('syntax error in pattern');
  });

  test('dangling twice must be the same', () => {
    expect(() => chosen(['dangling=1', 'dangling=0'])).toThrow("invalid filter 'dangling=[1 0]'");
    expect(() => chosen(['dangling=1', 'dangling=yes'])).toThrow("invalid filter 'dangling=[1 yes]'");
    expect(chosen(['dangling=1', 'dangling=true'])).toEqual(['<none>:<none>']);
  });

  test('an image that is not there is named with its tag', () => {
    expect(() => chosen(['before=nope'])).toThrow('No such image: nope:latest');
  });

  test('a row as JSON is escaped as Go escapes it', async () => {
    const rows = imageEntries([dangling]).map((entry) => imageRow(entry, { noTrunc: false, now }));
    for (const format of ['json', '{{json .}}']) {
      expect(await formatList(rows, imageListStyle(false), { format })).toContain(
        '"Repository":"\\u003cnone\\u003e"',
      );
    }
  });

  test('the argument is a reference', () => {
    expect(chosen([], 'demo/web')).toEqual(['demo/web:1', 'demo/web:2']);
    expect(chosen([], 'demo/web:1')).toEqual(['demo/web:1']);
    expect(chosen([], 'nope')).toEqual([]);
  });

  test.each([
    ['dangling=x', "invalid filter 'dangling=[x]'"],
    ['foo=bar', "invalid filter 'foo'"],
    ['before=nope', 'No such image: nope'],
  ])('%s is a mistake', (filter, message) => {
    expect(() => chosen([filter])).toThrow(message);
  });
});
