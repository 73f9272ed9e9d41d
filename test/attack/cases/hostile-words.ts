/** Words of an image that end a comment, a quote or an option in a script, or that a terminal acts on. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AttackCase, HostileImage, Stage } from '../case.ts';

/** Made only on the host: no container has this path. */
const markOf = (stage: Stage): string => join(stage.dir, 'owned');

function evidence(stage: Stage): string | undefined {
  if (!existsSync(markOf(stage))) return undefined;
  rmSync(markOf(stage));
  return 'a command of the image ran on the host as root';
}

interface Words {
  readonly name: string;
  readonly story: string;
  readonly image: (touch: string, mark: string) => HostileImage;
  readonly short?: boolean;
  readonly guard?: boolean;
  /** What the script says when it holds and cannot go on. */
  readonly refusal?: RegExp;
}

const NO_USER = /unable to find (user|group)/;

const SCRIPTS: readonly Words[] = [
  {
    name: 'workdir',
    story: 'a newline in WORKDIR ends the comment about it',
    image: (touch) => ({ files: {}, config: { WorkingDir: `/wd\n${touch}\n#` } }),
    short: true,
  },
  {
    name: 'volume',
    story: 'a newline in VOLUME ends the comment about it',
    image: (touch) => ({ files: {}, config: { Volumes: { [`/vol\n${touch}\n#`]: {} } } }),
  },
  {
    name: 'user',
    story: 'a newline in USER ends the comment about it',
    image: (touch) => ({ files: {}, config: { User: `nobody\n${touch}\n` } }),
    refusal: NO_USER,
  },
  {
    name: 'group',
    story: 'a newline in the group of USER ends the comment about it',
    image: (touch) => ({ files: {}, config: { User: `0:wheel\n${touch}\n` } }),
    refusal: NO_USER,
  },
  {
    name: 'user-as-flag',
    story: 'USER holds a flag of setpriv, where the script’s writer looks for its own',
    image: (_touch, mark) => {
      const name = `a --bounding-set=$(touch\${IFS}${mark})`;
      return { files: { '/etc/passwd': `${name}:x:0:0::/:/bin/sh\n` }, config: { User: name } };
    },
  },
  {
    name: 'env-as-program',
    story: 'ENV without = is what env(1) takes for the program to run, with the host’s files in reach',
    image: (touch) => ({ files: {}, config: { Env: ['PATH=/bin', 'bash', '-c', touch] } }),
    short: true,
  },
  {
    name: 'env-as-option',
    story: 'ENV is an option of env(1) that splits a string into a command',
    image: (touch) => ({ files: {}, config: { Env: [`--split-string=${touch} =`, 'PATH=/bin'] } }),
    guard: true,
  },
  {
    name: 'env-of-bash',
    story: 'ENV names what bash acts on when it starts: BASH_ENV, PS4, a function in place of read',
    image: (touch) => ({
      files: {},
      config: {
        Env: ['PATH=/bin', `BASH_ENV=$(${touch})`, `PS4=$(${touch})`, `BASH_FUNC_read%%=() { ${touch}; }`],
      },
    }),
    guard: true,
  },
];

const scripts = SCRIPTS.map(({ name, story, image, short, guard, refusal }): AttackCase => ({
  name: `words-script-${name}`,
  story: `${story}; "run --script IMAGE | bash" then runs a command of the image’s on the host.`,
  ways: ['script'],
  ...(short === undefined ? {} : { short }),
  ...(guard === undefined ? {} : { guard }),
  attack: async (stage, way) => {
    const mark = markOf(stage);
    const { stdout, stderr, exitCode } = await stage.use(
      way,
      await stage.image(image(`touch ${mark}`, mark)),
      [],
      ['/bin/echo', 'in the container'],
    );
    const found = evidence(stage);
    if (found !== undefined) return found;
    if (!stdout.includes('in the container') && refusal?.test(stderr) !== true)
      throw new Error(`the script ended with ${String(exitCode)}: ${stderr}`);
    return undefined;
  },
}));

const pasted: AttackCase = {
  name: 'words-pasted-program',
  story:
    'A program whose name has a = and quotes is no word of its own in the command that --dry-run tells to be pasted.',
  attack: async (stage) => {
    const image = await stage.image({
      files: {},
      config: { Cmd: [`A='; touch ${markOf(stage)}; '`] },
    });
    const { stdout } = await stage.minidock('run', '--dry-run', '--explain=json', image);
    const commands = stdout
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as { readonly id: string; readonly command: string });
    const exec = commands.find(({ command }) => /\bexec\b.*A=/s.test(command));
    if (exec === undefined) throw new Error('no step executes the program');
    // At a prompt, exec of what cannot be found leaves the shell as it was.
    await stage.run(['bash', '-c', `shopt -s execfail\n${exec.command}`]);
    return evidence(stage);
  },
};

/** A title, a colour, a line written over, CSI as one character, a line that runs backwards. */
const CONTROLS = '\x1b]0;owned\x07\x1b[31mred\rover\x9b2J\u202egpj';
const REACHES = /(?![\n\t])[\p{Cc}\p{Bidi_Control}]/u;

const TERMINALS: Readonly<Record<string, (stage: Stage, image: string) => Promise<readonly string[]>>> = {
  ps: async (stage, image) => {
    await stage.minidock('create', image);
    return ['ps', '-a'];
  },
  'ps-labels': async (stage, image) => {
    await stage.minidock('create', image);
    return ['ps', '-a', '--format', 'table {{.Labels}}'];
  },
  history: (_stage, image) => Promise.resolve(['history', image]),
  'image-inspect': (_stage, image) => Promise.resolve(['image', 'inspect', image]),
  'dry-run': (_stage, image) => Promise.resolve(['run', '--dry-run', image]),
  'dry-run-short': (_stage, image) => Promise.resolve(['run', '--dry-run', '--explain=short', image]),
  script: (_stage, image) => Promise.resolve(['run', '--script', image]),
  explain: (_stage, image) => Promise.resolve(['run', '--rm', '--explain', image]),
  top: async (stage, image) => {
    const script = `printf %s '${CONTROLS}' >/proc/self/comm; sleep 600; : '${CONTROLS}'`;
    const { stdout } = await stage.minidock('run', '-d', image, 'sh', '-c', script);
    const words = ['top', stdout.trim(), '-eo', 'pid,comm,args'];
    const renamed = async (): Promise<boolean> =>
      /owned.*owned/s.test((await stage.minidock(...words)).stdout);
    await stage.host.waitFor(renamed, 'the program to have renamed itself');
    return words;
  },
  'host-processes': async (stage, image) => {
    const { stdout } = await stage.minidock('run', '-d', image, 'sh', '-c', `sleep 600; : '${CONTROLS}'`);
    return ['inspect', '--host', '--format', 'table', stdout.trim()];
  },
};

const terminals = Object.entries(TERMINALS).map(([name, verb]): AttackCase => ({
  name: `words-terminal-${name}`,
  story: `Control characters in an image’s command, labels and directories reach the terminal: ${name}.`,
  ...(name === 'ps' ? { short: true } : {}),
  attack: async (stage) => {
    const image = await stage.image({
      files: {},
      config: {
        Cmd: ['/bin/true', CONTROLS],
        Labels: { label: CONTROLS },
        WorkingDir: `/wd${CONTROLS}`,
        Volumes: { [`/vol${CONTROLS}`]: {} },
      },
      history: CONTROLS,
    });
    const { stdout, stderr } = await stage.minidock(...(await verb(stage, image)));
    const text = stdout + stderr;
    if (!text.includes('owned')) throw new Error(`nothing of the image is shown: ${text}`);
    return REACHES.test(text) ? 'a control character of the image’s reaches the terminal' : undefined;
  },
}));

export const wordCases: readonly AttackCase[] = [...scripts, pasted, ...terminals];
