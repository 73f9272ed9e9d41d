/** Who is who: a number that another process has by now, and names of any length. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';

const engine = useEngine();
const { minidock, ok } = engine;

/** As if the process had ended and its number had come round again. */
function changeState(id: string, change: Readonly<Record<string, unknown>>): void {
  const path = join(engine.host.root, 'containers', id, 'state.json');
  const state = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  writeFileSync(path, JSON.stringify({ ...state, ...change }));
}

test('a signal for a program does not reach another process that has its number now', async () => {
  const id = await ok('run', '-d', '--name', 'old', 'test', 'sleep', '1000');
  const bystander = engine.host.spawn(['sleep', '1000']);
  const pid = Number(await ok('inspect', '-f', '{{.State.Pid}}', 'old'));
  changeState(id, { pid: bystander.pid });
  await minidock('kill', '-s', 'TERM', 'old');
  await minidock('kill', '-s', 'HUP', 'old');
  expect(bystander.child.exitCode).toBeNull();
  expect(readFileSync(`/proc/${String(bystander.pid)}/stat`, 'utf8')).not.toContain(') Z');
  changeState(id, { pid });
  bystander.kill();
  await ok('rm', '-f', 'old');
}, 30_000);

test('a shim that is gone does not live on in another process that has its number now', async () => {
  const id = await ok('run', '-d', '--name', 'old', 'test', 'sleep', '1000');
  const bystander = engine.host.spawn(['sleep', '1000']);
  const path = join(engine.host.root, 'containers', id, 'state.json');
  const { shimPid } = JSON.parse(readFileSync(path, 'utf8')) as { shimPid: number };
  process.kill(shimPid, 'SIGKILL');
  changeState(id, { shimPid: bystander.pid });
  expect(await ok('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'old')).toBe('exited 255');
  bystander.kill();
  await ok('rm', 'old');
  await engine.expectClean();
});

test('a name of 300 characters is as good as any other', async () => {
  const [name, other] = ['n'.repeat(300), `${'n'.repeat(299)}m`];
  const id = await ok('run', '-d', '--name', name, 'test', 'sleep', '1000');
  await ok('create', '--name', other, 'test', 'true');
  expect(await ok('inspect', '-f', '{{.Id}} {{.Name}}', name)).toBe(`${id} /${name}`);
  expect((await minidock('create', '--name', name, 'test', 'true')).stderr).toContain(
    'is already in use by container',
  );
  expect(await ok('ps', '--format', '{{.Names}}')).toBe(name);
  const { stdout } = await minidock('doctor', '--json');
  expect(stdout).not.toContain('/names/');
  await ok('rename', name, `b${name}`);
  expect(await ok('rm', '-f', `b${name}`, other)).toBe(`b${name}\n${other}`);
});
