/** A scene's process may say anything, since root of a lab may change it. */
import { expect, test } from '@jest/globals';
import type { SceneTell } from '../../../../src/page/messages.ts';
import { SceneProcess } from '../../../../src/page/server/scene-process.ts';

interface Ran {
  readonly scene: SceneProcess;
  readonly heard: SceneTell[];
  readonly ended: Promise<string>;
}

function run(script: string): Ran {
  const heard: SceneTell[] = [];
  let end = (_why: string): void => undefined;
  const ended = new Promise<string>((resolve) => (end = resolve));
  const scene = new SceneProcess('cable', ['sh', '-c', script], process.env, {
    heard: (_at, tell) => void heard.push(tell),
    ended: (_at, why) => end(why),
  });
  return { scene, heard, ended };
}

test('a line without an end is not kept: the scene is ended', async () => {
  const { ended } = run('head -c 20000000 /dev/zero | tr "\\0" a; exec sleep 100');
  expect(await ended).toBe('it said too much at once');
});

test('what is no message is left out; the last picture is kept for the next page', async () => {
  const model = '{"here":1,"namespaces":[],"cables":[],"published":[],"chains":[]}';
  const bad = ['garbage', '{"tell":"graph","model":{"here":1}}', '{"tell":"answer","id":99,"value":1}'];
  const lines = [...bad, `{"tell":"graph","model":${model}}`].map((line) => `echo '${line}'`);
  const { scene, heard, ended } = run(lines.join('; '));
  expect(await ended).toBe('');
  expect(heard).toEqual([{ tell: 'graph', model: JSON.parse(model) as object }]);
  expect(scene.last).toEqual(heard);
});

test('questions end with the scene, and there are only so many', async () => {
  const { scene, ended } = run('exec sleep 100');
  const asked = Array.from({ length: 32 }, () =>
    scene.ask({ ask: 'check' }).catch((error: Error) => error.message),
  );
  expect(() => scene.ask({ ask: 'check' })).toThrow(/still works/);
  await scene.end();
  await ended;
  expect(new Set(await Promise.all(asked))).toEqual(new Set(['cable has ended']));
});

test('a program that cannot be started says so', async () => {
  const why = await new Promise<string>((resolve) => {
    new SceneProcess(
      'cable',
      ['/nonexistent/program'],
      {},
      { heard: () => undefined, ended: (_at, words) => resolve(words) },
    );
  });
  expect(why).toMatch(/ENOENT/);
});
