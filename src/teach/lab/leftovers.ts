/** `doctor` finds labs whose keeper was killed before it could clean up. */
import { basename } from 'node:path';
import { renderArgv } from '../../../runtime/plan/quote.ts';
import type { Finding } from '../../diagnose/doctor/finding.ts';
import type { Paths } from '../../engine/state/paths.ts';
import { outermost } from './cgroups.ts';
import { removeDeadLabs } from './lab.ts';
import { deadLabs, groupsOf } from './lab-dirs.ts';

export function examineLabs(paths: Paths): readonly Finding[] {
  return deadLabs(paths).map((dir) => ({
    id: `leftovers.lab:${basename(dir)}`,
    level: 'warning',
    what: `the lab ${basename(dir)} has ended but was not cleaned up`,
    means: 'Its control groups and its directory stay until another lab starts.',
    todo: [
      ...groupsOf(dir).map((group) =>
        renderArgv(['find', outermost(group), '-depth', '-type', 'd', '-delete']),
      ),
      renderArgv(['rm', '-r', dir]),
    ],
    mend: () => Promise.resolve(removeDeadLabs(paths)),
  }));
}
