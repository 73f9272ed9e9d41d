/** The live view and the JSON of a build's progress. */
import { expect, test } from '@jest/globals';
import { rawJsonView } from '../../../../src/build/progress/raw-json.ts';
import { Reporter, type BuildEvent, type View } from '../../../../src/build/progress/report.ts';
import { TerminalView } from '../../../../src/build/progress/terminal.ts';

async function build(view: View): Promise<void> {
  const report = new Reporter((event: BuildEvent) => view.event(event));
  await report.during(report.vertex('[1/3] FROM x'), (cached) => Promise.resolve(cached()));
  const run = report.vertex('[2/3] RUN make');
  await report.during(run, () => Promise.resolve(report.output(run, Buffer.from('one\ntwo\n'))));
  const failing = report.vertex(`[3/3] RUN ${'long '.repeat(30)}`);
  const work = (): Promise<void> => {
    report.output(failing, Buffer.from('why \u001b[2J it\nfailed\n'));
    return Promise.reject(new Error('exit code: 1'));
  };
  await report.during(failing, work).catch(() => undefined);
}

test('each instruction has a line; one that failed shows its last output, without control characters', async () => {
  let text = '';
  const view = new TerminalView({ columns: 60, rows: 24, writeRaw: (written) => void (text += written) });
  await build(view);
  view.finish();
  const lines = text
    .replace(/\r|\u001b\[[KJ]/g, '')
    .replace(/\d+\.\d+s/g, 'TIME')
    .split('\n');
  expect(lines[0]).toBe('[+] Building TIME (3/3) FINISHED');
  expect(lines[1]).toMatch(/^ => CACHED \[1\/3\] FROM x +TIME$/);
  expect(lines[2]).toMatch(/^ => \[2\/3\] RUN make +TIME$/);
  expect(lines[3]).toMatch(/^ => ERROR \[3\/3\] RUN long .*… TIME$/);
  expect(lines.slice(4)).toEqual([' => => # why \\x1b[2J it', ' => => # failed', '']);
});

test('rawjson has a document a line, by the names of BuildKit', async () => {
  let text = '';
  await build(rawJsonView((written) => void (text += written)));
  const lines = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines[1]).toMatchObject({ vertexes: [{ name: '[1/3] FROM x', cached: true }] });
  expect(lines[3]).toMatchObject({ logs: [{ data: Buffer.from('one\ntwo\n').toString('base64') }] });
  expect(lines.at(-1)).toMatchObject({ vertexes: [{ error: 'exit code: 1' }] });
});
