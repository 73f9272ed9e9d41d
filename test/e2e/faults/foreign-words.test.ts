/**
 * Words that an image, a container, a registry or a command line chooses. None of them reaches a terminal as a control
 * character, and none of them runs: not in the script of `run --script`, nor in a command that is printed to be pasted.
 */
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { useEngine } from '../../support/engine.ts';
import { loadHostile, type HostileImage } from '../../support/images/hostile-image.ts';
import { tarOf } from '../../support/images/oci-layout.ts';
import type { RunResult } from '../../support/host/processes.ts';
import { testUnless } from '../../support/host/requirements.ts';
import { tarOf as archiveOf } from '../../support/images/tar-bytes.ts';
import { openTerminal, PROMPT } from '../../support/host/terminal.ts';

const engine = useEngine({ keep: true });
const { minidock, ok } = engine;
const MINIDOCK = join(import.meta.dirname, '../../../dist/minidock');
const noShellcheck = spawnSync('shellcheck', ['--version']).status === 0 ? '' : 'shellcheck is not installed';

/** A terminal's title, a colour, a line written over, C1's CSI, a line written backwards. */
const CONTROLS = '\x1b]0;owned\x07\x1b[31mred\rover\x7f\x9b2J\u202egpj';
/** Everything a terminal or a reader could be led astray with but the layout that minidock itself makes. */
const UNSAFE = /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u;

/** Lies on the host, where no container comes: made only if the host runs an image's words. */
const mark = (): string => join(engine.host.dir, 'owned');
const makeMark = (): string => `touch ${mark()}`;
/** Ends a comment and a command; ends a quote; is expanded in double quotes. */
const words = (): string =>
  `${CONTROLS}\n${makeMark()}\n'; ${makeMark()}; '"; ${makeMark()}; "$(${makeMark()})\`${makeMark()}\` #`;

const expectNoMark = (): void => {
  const made = existsSync(mark());
  rmSync(mark(), { force: true });
  expect(made).toBe(false);
};

function expectFit({ stdout, stderr }: RunResult): string {
  const text = stdout + stderr;
  expect(UNSAFE.exec(text)).toBeNull();
  expect(text).not.toContain('\ufffd');
  return text;
}

/** Everything at once that an image can say. */
const everything = (evil: string): HostileImage => ({
  config: {
    Cmd: ['sh', '-c', `sleep 1000; : '${CONTROLS}'`, evil],
    Env: ['PATH=/bin', `EVIL=${evil}`, `${evil}=1`],
    Labels: { evil, [evil]: 'x' },
    WorkingDir: `/wd${evil}`,
    Volumes: { [`/vol${evil}`]: {} },
  },
  more: {
    author: evil,
    comment: evil,
    history: [{ created: '2026-01-01T00:00:00Z', created_by: evil, comment: evil, author: evil }],
  },
});

/** One field each, for what makes the rest unusable. */
const fields: Readonly<Record<string, (evil: string) => HostileImage>> = {
  workdir: (evil) => ({ config: { Cmd: ['true'], WorkingDir: `/wd${evil}` } }),
  volume: (evil) => ({ config: { Cmd: ['true'], Volumes: { [`/vol${evil}`]: {} } } }),
  user: (evil) => ({ config: { Cmd: ['true'], User: evil } }),
  group: (evil) => ({ config: { Cmd: ['true'], User: `0:${evil}` } }),
  'user-in-passwd': () => {
    const name = `a --bounding-set=$(touch\${IFS}${mark()})`;
    const passwd = tarOf('etc/passwd', `${name}:x:0:0::/:/bin/sh\n`);
    return { config: { Cmd: ['true'], User: name }, layers: [passwd] };
  },
  cmd: (evil) => ({ config: { Cmd: [evil, evil] } }),
  'assignment-as-cmd': () => ({ config: { Cmd: [`A='; ${makeMark()}; '`] } }),
  entrypoint: (evil) => ({ config: { Entrypoint: [evil], Cmd: [`-c`, evil] } }),
  env: (evil) => ({ config: { Cmd: ['true'], Env: [`A=${evil}`, `${evil}=1`] } }),
  'env-as-command': () => ({ config: { Cmd: ['true'], Env: ['bash', '-c', makeMark()] } }),
  'env-as-option': () => ({ config: { Cmd: ['true'], Env: [`--split-string=${makeMark()}`] } }),
  'bash-variables': () => ({
    config: {
      Cmd: ['true'],
      Env: [`BASH_ENV=$(${makeMark()})`, `PS4=$(${makeMark()})`, `BASH_FUNC_read%%=() { ${makeMark()}; }`],
    },
  }),
  label: (evil) => ({ config: { Cmd: ['true'], Labels: { [evil]: evil } } }),
  port: (evil) => ({ config: { Cmd: ['true'], ExposedPorts: { [`80/tcp${evil}`]: {} } } }),
  signal: (evil) => ({ config: { Cmd: ['true'], StopSignal: evil } }),
  health: (evil) => ({ config: { Cmd: ['true'], Healthcheck: { Test: ['CMD-SHELL', evil] } } }),
  shell: (evil) => ({ config: { Cmd: ['true'], Shell: [evil] } }),
};

beforeAll(async () => {
  await loadHostile(engine, 'everything', everything(words()));
  for (const [name, make] of Object.entries(fields)) await loadHostile(engine, name, make(words()));
  await ok('run', '-d', '--name', 'evil', '-p', '8080:80', '--label', `flag=${words()}`, 'everything');
}, 120_000);

const formats = (verb: readonly string[], ...more: readonly string[]): readonly (readonly string[])[] =>
  [[], ['--format', 'json'], ...more.map((format) => ['--format', format])].map((tail) => [...verb, ...tail]);

describe('no control character reaches a terminal', () => {
  const verbs: readonly (readonly string[])[] = [
    ...formats(['ps', '-a'], 'table {{.Command}}\t{{.Labels}}\t{{.Label "evil"}}\t{{.Mounts}}\t{{.Names}}', '{{.Command}}'),
    ['ps', '-a', '--no-trunc'],
    ...formats(['images'], 'table {{.Repository}}\t{{.CreatedSince}}'),
    ...formats(['history', 'everything'], 'table {{.CreatedBy}}\t{{.Comment}}'),
    ['history', '--no-trunc', 'everything'],
    ['inspect', 'evil'],
    ['inspect', 'everything'],
    ['inspect', '--format', '{{json .}}', 'evil'],
    ['inspect', '--format', '{{json .Config}}', 'everything'],
    ['image', 'inspect', '--format', 'json', 'everything'],
    ['inspect', '--host', 'evil'],
    ['inspect', '--host', '--format', 'json', 'evil'],
    ['inspect', '--host', '--format', 'table', 'evil'],
    ...['text', 'json', 'dot', 'mermaid', 'svg'].map((format) => ['graph', '--format', format]),
    ['why', ':8080'],
    ['why', '--json', ':8080'],
    ['why', 'evil', '->', '198.51.100.10:80'],
    ['doctor'],
    ['doctor', '--json'],
    ...formats(['network', 'ls']),
    ['network', 'inspect', 'bridge'],
    ...formats(['volume', 'ls']),
    ['port', 'evil'],
    ['info'],
    ['run', '--script', 'everything'],
    ...['full', 'short', 'json'].map((how) => ['exec', '--dry-run', `--explain=${how}`, 'evil', 'sh', '-c', CONTROLS]),
    ['exec', '--dry-run', '-u', CONTROLS, '-w', `/${CONTROLS}`, '-e', `A=${CONTROLS}`, 'evil', CONTROLS],
  ]; // prettier-ignore

  test.each(verbs.map((verb) => [verb.join(' '), verb] as const))('%j', async (_name, verb) => {
    expect(expectFit(await minidock(...verb))).not.toBe('');
  });

  test.each([...Object.keys(fields), 'everything'])('the steps and the inspection of %s', async (image) => {
    for (const how of ['full', 'short', 'json'])
      expectFit(await minidock('run', '--dry-run', `--explain=${how}`, image));
    expectFit(await minidock('image', 'inspect', image));
    if (image !== 'everything') expectFit(await minidock('run', '--rm', '--explain=short', image));
  });

  test('a whole life, explained', async () => {
    expectFit(await minidock('create', '--name', 'made', 'everything'));
    expectFit(await minidock('start', '--explain', 'made'));
    expectFit(await minidock('exec', '--explain', '-w', `/wd${words()}`, 'made', 'true'));
    expectFit(await minidock('stop', '-t', '0', '--explain', 'made'));
    expectFit(await minidock('rm', '-v', '--explain', 'made'));
  }, 60_000);

  test.each([
    ['--name'], ['--hostname'], ['--user'], ['--workdir', '/'], ['--env', 'A='], ['--label', 'a='], ['--volume', '/v'],
    ['--volume', '/tmp/', ':/v'], ['--mount', 'type=tmpfs,dst=/m'], ['--tmpfs', '/t'], ['--tmpfs', '/t:size=1m,'],
    ['--sysctl', 'net.ipv4.ip_forward='], ['--sysctl', 'net.'], ['--device', '/dev/'], ['--add-host', 'a:'],
    ['--add-host', '', ':1.2.3.4'], ['--dns'], ['--dns-search'], ['--cap-add'], ['--ulimit', 'nofile='], ['--network'],
    ['--publish'], ['--entrypoint'], ['--security-opt'], ['--memory'], ['--cgroup-parent'], ['--group-add'],
    ['--stop-signal'], ['--restart'], ['--pull'], ['--platform'], ['--cidfile', '/none/'], ['--env-file', '/none/'],
    ['--log-opt', 'a='], ['--annotation', 'a='], ['--domainname'], ['--mac-address'], ['--ip'], ['--firewall'],
    ['--no-such-flag'], ['--health-cmd'], ['--pid'], ['--ipc'], ['--shm-size'], ['--cpuset-cpus'],
  ])('flag %s', async (flag, before = '', after = '') => {
    const given = `${flag}=${before}${words()}${after}`;
    expectFit(await minidock('run', '--dry-run', given, 'test', 'true'));
    const { stdout } = await minidock('run', '--script', given, 'test', 'true');
    if (stdout !== '') {
      expectFit({ stdout, stderr: '', exitCode: 0 });
      await runScript(stdout);
    }
    expectNoMark();
  }); // prettier-ignore

  test.each([
    ['inspect'], ['rm'], ['rmi'], ['start'], ['stop'], ['kill'], ['logs'], ['port'], ['wait'], ['attach'], ['rename', 'evil'],
    ['tag', 'test'], ['pull'], ['history'], ['save'], ['load', '-i'], ['import'], ['graph', '--mark'], ['graph', '--format'],
    ['why'], ['network', 'create'], ['network', 'rm'], ['network', 'inspect'], ['volume', 'rm'], ['exec', 'evil'], ['run'],
    ['ps', '--filter'], ['images', '--filter'], ['lab'], ['login'],
    ['create', 'test'], ['run', '--rm', 'test'], [],
  ])('an argument of %j', async (...verb) => {
    for (const given of [words(), `{{.${CONTROLS}}}`, `x${CONTROLS}`]) expectFit(await minidock(...verb, given));
  }); // prettier-ignore

  test('what is refused when it is loaded', async () => {
    for (const more of [
      { created: words() },
      { [words()]: words(), history: [{ created: words() }] },
      { os: words() },
    ]) {
      const refused = loadHostile(engine, 'refused', { config: {}, more });
      const message = await refused.then(String, String);
      expectFit({ stdout: message, stderr: '', exitCode: 0 });
      expectFit(await minidock('history', 'refused'));
      expectFit(await minidock('run', '--rm', 'refused', 'true'));
    }
  });

  test('what a registry says', async () => {
    const body = JSON.stringify({ errors: [{ code: CONTROLS, message: words(), detail: words() }] });
    writeFileSync(
      join(engine.host.dir, 'registry.mjs'),
      `import { createServer } from 'node:http';
       const body = ${JSON.stringify(body)};
       createServer((request, response) => {
         if (request.url === '/v2/') response.writeHead(200).end('{}');
         else response.writeHead(404, { 'content-type': 'application/json' }).end(body);
       }).listen(5000, '127.0.0.1', () => console.log('ready'));`,
    );
    const registry = engine.host.spawn([process.execPath, join(engine.host.dir, 'registry.mjs')]);
    await registry.waitForOutput(/ready/);
    const text = expectFit(await minidock('pull', '127.0.0.1:5000/a/b'));
    expect(text).toContain('\\x1b]0;owned\\x07');
    expectFit(await minidock('run', '--dry-run', '127.0.0.1:5000/a/b'));
    registry.kill();
    await registry.exited;
  });

  test('a template’s output: fit for a terminal, as it is for a program', async () => {
    const { stdout } = await minidock('inspect', '--format', '{{index .Config.Labels "evil"}}', 'everything');
    expect(stdout).toBe(`${words()}\n`);
    const terminal = await openTerminal(engine.host);
    terminal.enter(`${MINIDOCK} inspect --format '<{{index .Config.Labels "evil"}}>' everything`);
    await terminal.see(/^<\\x1b\]0;owned\\x07\\x1b\[31mred\\x0dover\\x7f\\x9b2J\\u202egpj$/m);
    await terminal.see(PROMPT);
    await terminal.close();
  });
});

test('a row of a table is one line, and a command is quoted as Docker quotes it', async () => {
  const lines = (await ok('ps', '--no-trunc', '--filter', 'name=evil')).split('\n');
  expect(lines.length).toBe(2);
  expect(lines[1]).toContain(
    String.raw`"sh -c 'sleep 1000; : '\x1b]0;owned\a\x1b[31mred\rover\x7f\u009b2J\u202egpj''`,
  );
  expect((await ok('history', '--no-trunc', 'everything')).split('\n').length).toBe(2);
});

/** In the host, whose processes and mounts are its own; the mark shows what ran outside of the container. */
const runScript = (script: string): Promise<RunResult> => engine.host.run(['bash'], { input: script });

describe('no word of an image runs on the host', () => {
  test.each([...Object.keys(fields), 'everything'])('as a script: %s', async (image) => {
    const { stdout } = await minidock('run', '--script', image, ...(image === 'everything' ? ['true'] : []));
    expectFit({ stdout, stderr: '', exitCode: 0 });
    if (stdout !== '') await runScript(stdout);
    expectNoMark();
  });

  test.each(['workdir', 'volume', 'user-in-passwd', 'env', 'env-as-command', 'bash-variables'])(
    'as a script that does what it is for: %s',
    async (image) => {
      const seccomp = ['--security-opt', 'no-new-privileges'];
      const { stdout } = await minidock('run', '--script', ...seccomp, image, 'sh', '-c', 'pwd; echo done');
      expect(await runScript(stdout)).toEqual({
        exitCode: 0,
        stderr: '',
        stdout: expect.stringMatching(/^done$/m),
      });
      expectNoMark();
    },
  );

  test('a name that ends with a line end is refused: $(…) would lose it, and name a link of the image instead', async () => {
    const { dir } = engine.host;
    for (const config of [{ WorkingDir: '/link\n' }, { Volumes: { '/link\n': {} } }]) {
      const layers = [archiveOf({ name: 'link', type: '2', link: dir }, { name: 'link\n', type: '5' })];
      await loadHostile(engine, 'line-end', { config, layers });
      const before = readdirSync(dir).sort();
      const { stdout } = await minidock('run', '--script', 'line-end', 'true');
      const { exitCode, stderr } = await runScript(stdout);
      expect({ exitCode, stderr }).toEqual({
        exitCode: 125,
        stderr: expect.stringContaining('/link?: a name in it ends with a line end'),
      });
      expect(readdirSync(dir).sort()).toEqual(before);
    }
  });

  test('as commands to be pasted', async () => {
    const told = new Set<string>();
    for (const image of [...Object.keys(fields), 'everything']) {
      const { stdout } = await minidock('run', '--dry-run', '--explain=json', image);
      for (const line of stdout.split('\n').filter(Boolean)) {
        const step = JSON.parse(line) as { command: string; undo: string; look: string | null };
        told.add(step.command).add(step.look ?? '');
        if (/^(ip|nft|iptables|rm|rmdir|find) /.test(step.undo)) told.add(step.undo);
      }
    }
    const foreign = [...told].filter((command) => command.includes('touch'));
    expect(foreign.length).toBeGreaterThan(10);
    // Only what a shell does by itself is done: no program is found, and the container's own is to run elsewhere.
    const shell = `PATH=/nowhere; touch() { :>${mark()}; }; exec() { :; }; cd() { :; };`;
    const each = 'for command; do /bin/bash -c "$command"; done';
    await engine.host.run([
      '/bin/bash',
      '-c',
      each,
      'bash',
      ...foreign.map((command) => `${shell}\n${command}`),
    ]);
    expectNoMark();
    await engine.host.run(['/bin/bash', '-c', `${shell}\ntouch x`]);
    expect(existsSync(mark())).toBe(true);
    rmSync(mark());
  }, 60_000);

  testUnless(noShellcheck, 'shellcheck finds nothing in such a script', async () => {
    for (const image of ['everything', 'env-as-command', 'user-in-passwd', 'assignment-as-cmd']) {
      const path = join(engine.host.dir, 'checked.sh');
      writeFileSync(path, `${await ok('run', '--script', '--tmpfs', '/t', image)}\n`);
      expect(await engine.host.run(['shellcheck', path])).toMatchObject({ exitCode: 0, stdout: '' });
    }
  });
});
