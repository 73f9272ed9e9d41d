/** What all formats share: the names of the sections, times, and one line that says how a step is undone. */
import { renderArgv } from '../../../runtime/plan/quote.ts';
import { renderCommand } from '../../../runtime/plan/render.ts';
import type { Check, Section, Step, StepId, Undo } from '../../../runtime/plan/step.ts';

/** The names of the article's Docker steps, and sections for the rest of a container. */
export const sectionHeadings: Readonly<Record<Section, string>> = {
  namespace: 'Create the network namespace',
  bridge: 'Create the bridge',
  veth: 'Create the veth pair, attach one end to the namespace and the other to the bridge',
  address: 'Assign the address and bring the interfaces up',
  nat: 'Enable NAT',
  ports: 'Publish the ports',
  cgroup: 'Limit what it may use',
  process: 'Start the process in new namespaces',
  rootfs: 'Give it a root filesystem of its own',
  isolation: 'Take away what it must not have',
  stop: 'End the program',
  undo: 'Take back what was made for it',
  files: 'Remove its files',
  names: 'Name it',
  copy: 'Copy files',
  archive: 'Write or read an archive',
  volume: 'Make or remove the volume',
  images: 'Remove from the image store',
  commit: 'Make an image of its changes',
  registry: 'Ask the registry',
  unpack: 'Fetch and unpack the layers',
};

/** 'Why:     ', as wide as the longest of the labels, 'Without: '. */
export const label = (word: 'Why' | 'Without' | 'Undo' | 'Look' | 'Skip'): string => `${word}:`.padEnd(9);

/** The outcome of a step that had nothing to do: in full, and in one word. */
export const alreadyWords = ({ section }: Step): readonly [string, string] =>
  section === 'stop' ? ['not needed', 'needless'] : ['there already, nothing to do', 'there'];

export const formatMilliseconds = (milliseconds: number): string =>
  milliseconds >= 1000 ? `${(milliseconds / 1000).toFixed(2)} s` : `${milliseconds.toFixed(1)} ms`;

/** `title` returns the title of an earlier step. */
export function undoText(undo: Undo, title: (id: StepId) => string | undefined): string {
  switch (undo.kind) {
    case 'command':
      return renderCommand(undo.command);
    case 'freedBy': {
      const known = title(undo.step);
      return `goes away when ${known === undefined ? undo.step : `"${known}"`} is undone`;
    }
    case 'shared':
      return `never for one container: ${undo.why}`;
    case 'none':
      return `none: ${undo.why}`;
  }
}

/** When a step is skipped because its effect is there already. */
export const skipText = (check: Check): string => `where ${condition(check)}`;

function condition(check: Check): string {
  switch (check.kind) {
    case 'path-exists':
      return `${check.path} exists`;
    case 'file-contains':
      return `${check.path} holds ${check.text}`;
    case 'run':
      return `"${renderArgv(check.argv)}" succeeds`;
    case 'all':
      return check.checks.map(condition).join(' and ');
  }
}
