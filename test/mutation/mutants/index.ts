/** All mutants, by layer. */
import type { Layer, Mutant } from '../mutant.ts';
import { mounts, registry, unpack } from './files.ts';
import { firewall } from './firewall.ts';
import { firewall6, ports6 } from './ipv6.ts';
import { exec, lifecycle, logs, state } from './life.ts';
import { network } from './network.ts';
import { ports } from './ports.ts';
import { capabilities, process, seccomp } from './privileges.ts';
import { explain, lab, script, why } from './teaching.ts';
import { undo } from './undo.ts';

export const allMutants: Readonly<Record<Layer, readonly Mutant[]>> = {
  network,
  firewall: [...firewall, ...firewall6],
  ports: [...ports, ...ports6],
  undo,
  capabilities,
  seccomp,
  process,
  mounts,
  unpack,
  registry,
  logs,
  exec,
  lifecycle,
  state,
  lab,
  script,
  why,
  explain,
};
