/** All lessons, in the order for a newcomer. */
import { brokenNetwork, seedOf } from '../break/break-it.ts';
import type { Lesson } from '../lesson.ts';
import { lessons as articleAgain } from './article/again.ts';
import { lessons as articleCables } from './article/cables.ts';
import { lessons as articleFirewall } from './article/firewall.ts';
import { lessons as articleSpellings } from './article/spellings.ts';
import { lessons as puzzlesFirewall } from './puzzles/firewall.ts';
import { lessons as puzzlesRoute } from './puzzles/route.ts';
import { lessons as puzzlesService } from './puzzles/service.ts';
import { lessons as puzzlesWire } from './puzzles/wire.ts';
import { lessons as networkPolicy } from './cluster/network-policy.ts';
import { lessons as pod } from './cluster/pod.ts';
import { lessons as service } from './cluster/service.ts';
import { lessons as vxlan } from './cluster/vxlan.ts';
import { lessons as iptablesNft } from './routes/iptables-nft.ts';
import { lessons as packetPath } from './routes/packet-path.ts';
import { lessons as bridge } from './bridge.ts';
import { lessons as cable } from './cable.ts';
import { lessons as docker } from './docker.ts';
import { lessons as host } from './host.ts';
import { lessons as publish } from './publish.ts';
import { lessons as chroot } from './chroot.ts';
import { lessons as image } from './image.ts';
import { lessons as limits } from './limits.ts';
import { lessons as namespacesMount } from './namespaces-mount.ts';
import { lessons as namespacesShared } from './namespaces-shared.ts';
import { lessons as namespacesUser } from './namespaces-user.ts';
import { lessons as namespaces } from './namespaces.ts';
import { lessons as overlay } from './overlay.ts';
import { lessons as capabilities } from './privileges/capabilities.ts';
import { lessons as programs } from './programs.ts';
import { lessons as seccomp } from './privileges/seccomp.ts';
import { lessons as volumes } from './volumes.ts';

const families: readonly (readonly Lesson[])[] = [
  cable,
  host,
  packetPath,
  publish,
  iptablesNft,
  bridge,
  docker,
  articleCables,
  articleFirewall,
  articleSpellings,
  articleAgain,
  puzzlesWire,
  puzzlesRoute,
  puzzlesFirewall,
  puzzlesService,
  namespaces,
  namespacesMount,
  namespacesShared,
  namespacesUser,
  chroot,
  overlay,
  volumes,
  limits,
  capabilities,
  seccomp,
  programs,
  image,
  vxlan,
  pod,
  service,
  networkPolicy,
];

export const allLessons: readonly Lesson[] = families.flat();

/** Those of `lab break` are made of their names. */
export function findLesson(name: string): Lesson | undefined {
  const seed = seedOf(name);
  if (seed !== undefined) return brokenNetwork(seed);
  return allLessons.find((lesson) => lesson.name === name);
}

/** The next lesson that is not done yet: the first after the given one, else the first of all. */
export function nextLesson(
  done: (lesson: string) => ReadonlySet<string>,
  after?: Lesson,
): Lesson | undefined {
  const begin = after === undefined ? 0 : allLessons.indexOf(after) + 1;
  const inOrder = [...allLessons.slice(begin), ...allLessons.slice(0, begin)];
  return inOrder.find((lesson) => lesson !== after && !isDone(lesson, done));
}

export const isDone = ({ name, steps }: Lesson, done: (lesson: string) => ReadonlySet<string>): boolean =>
  steps.every(({ id }) => done(name).has(id));

/** Lessons with a similar name: it contains the typed one, or differs by at most two letters. */
export function similarLessons(name: string): readonly Lesson[] {
  const part = allLessons.filter((lesson) => name !== '' && lesson.name.includes(name));
  return part.length > 0 ? part : allLessons.filter((lesson) => slips(name, lesson.name) <= 2);
}

/** Letters to add, leave out or replace until one word is the other (Levenshtein). */
function slips(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...one].entries()) {
    const above = row;
    row = [i + 1];
    for (const [j, wanted] of [...other].entries()) {
      const replaced = (above[j] ?? 0) + (letter === wanted ? 0 : 1);
      row.push(Math.min(replaced, (above[j + 1] ?? 0) + 1, (row[j] ?? 0) + 1));
    }
  }
  return row.at(-1) ?? 0;
}
