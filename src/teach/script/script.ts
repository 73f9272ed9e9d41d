/**
 * A plan as a stand-alone bash script: the commands that `--explain` prints, in functions with the same explanations,
 * and what a shell needs to wait and to undo. Pure; print-script.ts asks the host.
 *
 *     prepare        the script's own directory and the files in it
 *     on_the_host    the plan's host steps
 *     start          process 1, which goes through container_1, container_2 ... and waits
 *     change_root    the plan's three steps that must come from outside, since process 1 has no tools left by then
 */
import type { OciConfig } from '../../../runtime/bundle.ts';
import type { ContainerCommand } from '../../../runtime/plan/command.ts';
import { quoteWord, renderArgv } from '../../../runtime/plan/quote.ts';
import { renderCommand } from '../../../runtime/plan/render.ts';
import type { HostStep, Section, Step } from '../../../runtime/plan/step.ts';
import { GONE } from '../../../runtime/plan/undo.ts';
import { allSteps, type RunPlan } from '../../engine/plans/run-plan.ts';
import { sectionHeadings, undoText } from '../explain/step-phrases.ts';
import { indented, remark, stepComment, type Numbered } from './comment.ts';
import { containerFunctions, isFromOutside, type ContainerContext } from './container-steps.ts';
import { hostStep, undoCommand } from './host-steps.ts';
import containerLibrary from './container-library.sh' with { type: 'text' };
import hostLibrary from './host-library.sh' with { type: 'text' };
import { EMPTY_LAYER, type FreshVolume } from './places.ts';

export interface ScriptInput {
  readonly plan: RunPlan;
  readonly bundle: OciConfig;
  /** 64 hex digits. */
  readonly id: string;
  readonly image: string;
  /** Directories of the image's layers, topmost first: what layers/1, layers/2 ... lead to. */
  readonly layers: readonly string[];
  /** hosts, hostname and resolv.conf. */
  readonly files: Readonly<Record<string, string>>;
  /** Owner and mode of /etc where /etc/mtab is to be made (needsMtab). */
  readonly mtab: { readonly uid: number; readonly gid: number; readonly mode: number } | undefined;
  readonly volumes: readonly FreshVolume[];
  /** Host directories that -v makes where they are missing. */
  readonly hostDirectories: readonly string[];
  /** The compiled filter, base64. */
  readonly filter: string | undefined;
  readonly interactive: boolean;
  readonly detached: boolean;
  /** The requests that the script leaves out, a sentence each. */
  readonly notes: readonly string[];
}

export function renderScript(input: ScriptInput): string {
  const { plan, bundle } = input;
  const all = allSteps(plan);
  const numbers = new Map(all.map((step, index) => [step.id, { n: index + 1, of: all.length }]));
  const number = <S extends Step>(step: S): Numbered & { readonly step: S } => ({
    step,
    ...(numbers.get(step.id) ?? { n: 0, of: 0 }),
  });
  const titles = new Map(all.map((step) => [step.id, step.title]));
  const onHost = (step: HostStep): Numbered & { readonly step: HostStep } => {
    const numbered = number(step);
    if (step.undo.kind === 'command') return numbered;
    return { ...numbered, undo: undoText(step.undo, (id) => titles.get(id)) };
  };
  const context: ContainerContext = {
    env: bundle.process.env,
    volumes: new Map(input.volumes.map((volume) => [volume.target, volume])),
    seccomp: input.filter !== undefined,
  };
  const container = containerFunctions(plan.container.map(number), context);
  const exported = [
    'tell',
    'fail',
    'place',
    'kind_of',
    'not_of_the_kernel',
    'not_shared',
    'hide',
    'find_user',
    'find_group',
    'user_file',
    'become',
    ...container.names,
  ];
  return [
    header(input),
    '# ---- What the steps below are made with',
    withoutHead(hostLibrary).replace('@GONE@', bashPattern(GONE)),
    withoutHead(containerLibrary),
    prepare(input),
    '# ---- The host',
    `on_the_host() {\n${bySection([...plan.early, ...plan.network, ...plan.cgroup], (step) => hostStep(onHost(step)))}\n}`,
    '# ---- Process 1 of the container, until it is the program. All of it goes with that process.',
    container.text,
    start(number(plan.start), input, exported),
    changeRoot(plan.container.filter(isFromOutside).map(number)),
    main(input),
    '',
  ].join('\n\n');
}

/** A library without its opening comment, which is for readers of the file. */
const withoutHead = (library: string): string => library.slice(library.indexOf('\n\n')).trim();

/** As many alternatives as `GONE` has; bash has no word for a space in `[[ =~ ]]` but a backslash before it. */
const bashPattern = (pattern: RegExp): string => `(${pattern.source.replaceAll(' ', '\\ ')})`;

function header(input: ScriptInput): string {
  const { image, id, plan } = input;
  const tools = [...new Set([...TOOLS, ...toolsOf([...plan.early, ...plan.network, ...plan.cgroup])])].sort();
  return [
    '#!/bin/bash',
    remark(
      `A container of the image ${image}, made with ${tools.join(', ')} alone: tools do what minidock does by ` +
        'system calls. Run it as root. Each step has its number in the plan, as in "minidock run --explain". However ' +
        'the script ends, it undoes what it did; Ctrl-C or SIGTERM ends it. What all containers of a host share ' +
        '(bridge, firewall table, forwarding) stays.',
      '',
      '',
    ),
    '#',
    '# Differences from minidock:',
    ...[...NOTES, ...input.notes].map((note) => remark(note, '- ', '')),
    '',
    '# Functions are called by name from another bash (SC2317, SC2329), which also expands the quoted text ' +
      '(SC2016).',
    '# shellcheck disable=SC2016,SC2317,SC2329',
    'set -euo pipefail',
    'umask 022',
    `box=\${TMPDIR:-/var/tmp}/minidock-script-${id.slice(0, 12)}`,
    "go='' container=''",
    `for tool in ${tools.join(' ')}; do`,
    '  command -v "$tool" >/dev/null || { echo "$0: $tool: command not found" >&2; exit 125; }',
    'done',
  ].join('\n');
}

const TOOLS = ['mount', 'unshare', 'nsenter', 'setpriv', 'pivot_root', 'umount'];
const NOTES = [
  'Only this script knows the container: ps does not list it, and its address and ports are not reserved. They ' +
    'were free when minidock wrote the script; a container that minidock starts later may have them.',
  'The script reads the image’s layers where minidock keeps them; it fails once the image is removed.',
  'Standard input, output and error are those of the script; there is no log.',
];

const toolsOf = (steps: readonly HostStep[]): readonly string[] =>
  steps.flatMap(({ command }) => (command.kind === 'run' ? [command.argv[0]] : []));

/** Steps under the headings of `--explain`. */
function bySection<S extends Step>(steps: readonly S[], render: (step: S) => string): string {
  let section: Section | undefined;
  const parts = steps.map((step) => {
    const heading = step.section === section ? '' : `  # == ${sectionHeadings[step.section]}\n\n`;
    section = step.section;
    return heading + render(step);
  });
  return parts.length === 0 ? '  :' : parts.join('\n\n');
}

function prepare(input: ScriptInput): string {
  const lines = [
    'mkdir -m 700 "$box" || fail "this script runs already, or was killed before it could undo: see $box"',
    'trap undo_all EXIT',
    "trap 'exit 129' HUP; trap 'exit 130' INT; trap 'exit 143' TERM",
    'cd "$box"',
    'mkdir rootfs upper work layers',
    ...input.layers.map((layer, index) => `ln -s ${quoteWord(layer)} layers/${index + 1}`),
    ...input.hostDirectories.map((path) => `[[ -e ${quoteWord(path)} ]] || mkdir -p ${quoteWord(path)}`),
    ...input.volumes.map(({ path }) => `mkdir -p ${quoteWord(path)}`),
    ...imageDirectories(input.bundle).map((path) => `mkdir -p ${quoteWord(path)}`),
    ...Object.entries(input.files).map(
      ([name, text]) =>
        `printf '%s\\n' ${text.replace(/\n$/, '').split('\n').map(quoteWord).join(' \\\n  ')} >${name}`,
    ),
  ];
  const mtab =
    input.mtab === undefined
      ? []
      : [
          remark(
            'Docker adds this link to an image without one; some programs find no file system without it.',
          ),
          `  mkdir upper/etc`,
          `  chown ${input.mtab.uid}:${input.mtab.gid} upper/etc`,
          `  chmod ${input.mtab.mode.toString(8)} upper/etc`,
          '  ln -s /proc/mounts upper/etc/mtab',
        ];
  const filter =
    input.filter === undefined
      ? []
      : [
          remark('The seccomp filter, compiled: struct sock_filter of linux/filter.h, one after the other.'),
          `  base64 -d >seccomp.bpf <<'END'\n${(input.filter.match(/.{1,100}/g) ?? []).join('\n')}\nEND`,
        ];
  return [
    '# One directory holds all files of this container, and is removed at the end.',
    'prepare() {',
    ...lines.map((line) => indented(line)),
    ...mtab,
    ...filter,
    '}',
  ].join('\n');
}

const imageDirectories = ({ root: { images = [] } }: OciConfig): readonly string[] =>
  images.length === 0 ? [] : [EMPTY_LAYER, ...images.map(({ path }) => path)];

function start(
  numbered: Numbered & { readonly step: HostStep },
  input: ScriptInput,
  exported: readonly string[],
): string {
  const { step } = numbered;
  if (step.command.kind !== 'run') throw new Error('process.start is a program');
  const { argv } = step.command;
  const unshare = `${renderArgv(argv.slice(0, argv.indexOf('--') + 1) as [string, ...string[]])} "$BASH" -c container_1`;
  const terminal = input.bundle.process.terminal;
  const command = terminal
    ? `SHELL="$BASH" script --quiet --flush --return --command 'exec ${unshare}' /dev/null`
    : unshare;
  const killing = step.undo.kind === 'command' ? undoCommand(step.undo.command) : ':';
  return [
    'start() {',
    '  local ready say hear',
    '  make_pipe && ready=$in say=$out',
    '  make_pipe && hear=$in go=$out',
    `  export box && export -f ${exported.join(' ')}`,
    ...(input.interactive || terminal ? ['  exec {stdin}<&0'] : ['  exec {stdin}</dev/null']),
    '',
    stepComment(numbered),
    remark('On descriptor 3 it reports that it is ready, on 4 we report that its root is changed.'),
    `  undo_later ${quoteWord('wait "$container" || :')}`,
    `  undo_later ${quoteWord(killing)}`,
    `  ${command} <&"$stdin" \\`,
    '    3>&"$say" 4<&"$hear" {say}>&- {hear}<&- {ready}<&- {go}>&- {stdin}<&- &',
    '  container=$!',
    '  exec {say}>&- {hear}<&- {stdin}<&-',
    '  read -r pid <&"$ready" || fail "the container could not be built"',
    '  read -r _ <&"$ready" || fail "the container could not be built"',
    '}',
  ].join('\n');
}

/** In the container's mount namespace with the host's root: both the tools and the old root are in reach. */
const OUTSIDE = 'nsenter --mount="/proc/$pid/ns/mnt" --root=/';

function changeRoot(steps: readonly (Numbered & { readonly step: Step<ContainerCommand> })[]): string {
  const body = steps.map((numbered) => `${stepComment(numbered)}\n${fromOutside(numbered.step.command)}`);
  return [
    '# pivot_root(2) changes the root of every process in the mount namespace, so another process can do it for ' +
      'process 1.',
    '# The commands after it run in the container’s mount namespace with the host’s root directory, where the tools',
    '# are; /proc/PID/root is the way from there to the mounts of the container, and the old root lies on top of it.',
    `change_root() {\n${body.join('\n\n')}\n}`,
  ].join('\n');
}

function fromOutside(command: ContainerCommand): string {
  switch (command.kind) {
    case 'pivot-root': {
      const pivot = renderCommand({ ...command, newRoot: '.', oldRoot: '.' });
      return `  nsenter --mount="/proc/$pid/ns/mnt" "$BASH" -c 'cd "$box/rootfs" && ${pivot}'`;
    }
    case 'seal-mounts':
      return `  ${OUTSIDE} ${onOldRoot(command)}`;
    case 'umount':
      return `  ${OUTSIDE} ${onOldRoot(command)}`;
    case 'verify-root':
      return [
        remark(
          'A second mount on / would be the host’s tree, left there because an image misled an earlier step.',
        ),
        `  [[ $(cut -d ' ' -f 5 "/proc/$pid/mountinfo" | grep -cx /) == 1 ]] || fail "the host's tree is still mounted"`,
      ].join('\n');
    default:
      throw new Error(`${command.kind} is done from inside`);
  }
}

/**
 * minidock's working directory is the old root, so it unmounts `.`; here the old root is the top mount on the
 * container's root.
 */
const onOldRoot = (command: ContainerCommand): string =>
  renderCommand(command)
    .replace(/^(mount|umount) /, '$1 --no-canonicalize ')
    .replace(/ \.$/, ' "/proc/$pid/root/.."');

function main({ detached, id }: ScriptInput): string {
  return [
    '# ---- The order',
    '[[ $EUID == 0 ]] || fail "must be run as root"',
    'prepare',
    'on_the_host',
    'start',
    'change_root',
    'echo go >&"$go"',
    ...(detached ? [`echo ${id}`] : []),
    'status=0',
    'wait "$container" 2>/dev/null || status=$?',
    'exit "$status"',
  ].join('\n');
}
