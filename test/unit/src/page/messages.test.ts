/** What is a message of the page or of a scene, and what is not. */
import { describe, expect, test } from '@jest/globals';
import { readAsk, readSceneTell } from '../../../../src/page/messages.ts';

describe('readAsk', () => {
  test.each([
    { id: 0, do: 'look', at: 'machine' },
    { id: 1, do: 'start', lesson: 'puzzle-link-down' },
    { id: 2, do: 'scene', at: 'cable', ask: { ask: 'hint' } },
    { id: 3, do: 'scene', at: 'machine', ask: { ask: 'why', words: ['web', '->', 'db:80'] } },
    { id: 4, do: 'scene', at: 'machine', ask: { ask: 'interface', inode: 4026531840, index: 2 } },
  ])('%j is one', (ask) => {
    expect(readAsk(JSON.stringify(ask))).toEqual(ask);
  });

  test.each([
    'no JSON',
    'null',
    '[]',
    '{"do":"look","at":"machine"}',
    '{"id":-1,"do":"look","at":"machine"}',
    '{"id":1.5,"do":"look","at":"machine"}',
    '{"id":1,"do":"look","at":"../machine"}',
    '{"id":1,"do":"look","at":"cable+1"}',
    '{"id":1,"do":"format","at":"machine"}',
    '{"id":1,"do":"scene","at":"machine","ask":{"ask":"run"}}',
    '{"id":1,"do":"scene","at":"machine","ask":{"ask":"why","words":[]}}',
    '{"id":1,"do":"scene","at":"machine","ask":{"ask":"why","words":[1]}}',
    '{"id":1,"do":"scene","at":"machine","ask":{"ask":"why","words":["a\\u0000b"]}}',
    '{"id":1,"do":"scene","at":"machine","ask":{"ask":"x-ray","name":"--help"}}',
    '{"id":1,"do":"scene","at":"machine","ask":{"ask":"x-ray","name":""}}',
    '{"id":1,"do":"scene","at":"machine","ask":{"ask":"interface","inode":"1","index":1}}',
  ])('%s is none', (text) => {
    expect(readAsk(text)).toBeUndefined();
  });

  test('what is not asked for is left out', () => {
    const text = '{"id":1,"do":"look","at":"machine","more":1,"__proto__":{"x":1}}';
    expect(readAsk(text)).toEqual({ id: 1, do: 'look', at: 'machine' });
  });
});

describe('readSceneTell', () => {
  const model = { here: 1, namespaces: [], cables: [], published: [], chains: [] };
  test('a picture has its lists', () => {
    expect(readSceneTell(JSON.stringify({ tell: 'graph', model }))).toEqual({ tell: 'graph', model });
    for (const list of ['namespaces', 'cables', 'published', 'chains']) {
      expect(
        readSceneTell(JSON.stringify({ tell: 'graph', model: { ...model, [list]: 1 } })),
      ).toBeUndefined();
    }
  });

  test.each([
    '',
    '{"tell":"graph"}',
    '{"tell":"answer","id":"1"}',
    '{"tell":"lesson","state":[]}',
    '{"tell":"x"}',
  ])('%s is none', (line) => {
    expect(readSceneTell(line)).toBeUndefined();
  });
});
