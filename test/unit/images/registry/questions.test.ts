import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { parseReference } from '../../../../images/reference.ts';
import { listTags } from '../../../../images/registry/questions.ts';
import { FakeRegistry, refuse } from '../../../support/images/fake-registry.ts';

const quick = { credentials: () => Promise.resolve(undefined), retry: { attempts: 2, baseMs: 1, capMs: 2 } };
let registry: FakeRegistry;

beforeEach(async () => {
  registry = await FakeRegistry.start();
});
afterEach(async () => {
  await registry.close();
});

const tags = async (): Promise<readonly string[]> =>
  await listTags(parseReference(`${registry.host}/app`), quick);

/** Answers the list of tags with these pages; each links to the next one by its number. */
function serve(pages: readonly unknown[], link: (page: number) => string): void {
  registry.intercept = ({ path }, response) => {
    if (!path.includes('/tags/list')) return false;
    const page = Number(new URL(path, 'http://x').searchParams.get('page') ?? '0');
    if (page + 1 < pages.length) response.setHeader('link', link(page + 1));
    response.end(JSON.stringify(pages[page]));
    return true;
  };
}

test('page by page', async () => {
  serve(
    [{ tags: ['a', 'b'] }, { tags: ['c'] }],
    (page) => `</v2/app/tags/list?page=${String(page)}>; rel="next"`,
  );
  await expect(tags()).resolves.toEqual(['a', 'b', 'c']);
});

test('no tags', async () => {
  serve([{ name: 'app', tags: null }], () => '');
  await expect(tags()).resolves.toEqual([]);
});

test('a list that never ends is left after a while', async () => {
  let asked = 0;
  registry.intercept = ({ path }, response) => {
    if (!path.includes('/tags/list')) return false;
    response.setHeader('link', `</v2/app/tags/list?last=${String(asked++)}>; rel="next"`);
    response.end('{"tags":["a"]}');
    return true;
  };
  await expect(tags()).resolves.toEqual(['a']);
  expect(asked).toBe(100);
});

test('another server is not asked for the next page', async () => {
  serve([{ tags: ['a'] }, { tags: ['b'] }], () => '<http://127.0.0.2:1/v2/app/tags/list?page=1>; rel="next"');
  await expect(tags()).resolves.toEqual(['a']);
});

test('what is no list', async () => {
  serve([{ tags: [1] }], () => '');
  await expect(tags()).rejects.toMatchObject({ code: 'TAGS_INVALID' });
});

test('a registry that is busy is asked again, and one that refuses is quoted', async () => {
  let asked = 0;
  registry.intercept = ({ path }, response) =>
    path.includes('/tags/list') &&
    (asked++ === 0 ? refuse(response, 503, 'UNAVAILABLE') : refuse(response, 404, 'NAME_UNKNOWN'));
  await expect(tags()).rejects.toThrow(`repository ${registry.host}/app not found: name unknown`);
  expect(asked).toBe(2);
});
