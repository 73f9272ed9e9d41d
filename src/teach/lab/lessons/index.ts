/** Every lesson there is, family by family, in the order in which a newcomer takes them. */
import type { Lesson } from '../lesson.ts';
import { lessons as articleAgain } from './article-again.ts';
import { lessons as articleCables } from './article-cables.ts';
import { lessons as articleFirewall } from './article-firewall.ts';
import { lessons as articleSpellings } from './article-spellings.ts';
import { lessons as puzzlesFirewall } from './puzzles-firewall.ts';
import { lessons as puzzlesRoute } from './puzzles-route.ts';
import { lessons as puzzlesService } from './puzzles-service.ts';
import { lessons as puzzlesWire } from './puzzles-wire.ts';
import { lessons as bridge } from './bridge.ts';
import { lessons as cable } from './cable.ts';
import { lessons as docker } from './docker.ts';
import { lessons as host } from './host.ts';
import { lessons as publish } from './publish.ts';
import { lessons as chroot } from './chroot.ts';
import { lessons as limits } from './limits.ts';
import { lessons as namespacesMount } from './namespaces-mount.ts';
import { lessons as namespacesShared } from './namespaces-shared.ts';
import { lessons as namespacesUser } from './namespaces-user.ts';
import { lessons as namespaces } from './namespaces.ts';
import { lessons as overlay } from './overlay.ts';
import { lessons as privileges } from './privileges.ts';
import { lessons as programs } from './programs.ts';

const families: readonly (readonly Lesson[])[] = [
  cable,
  host,
  publish,
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
  limits,
  privileges,
  programs,
];

export const allLessons: readonly Lesson[] = families.flat();

export function findLesson(name: string): Lesson | undefined {
  return allLessons.find((lesson) => lesson.name === name);
}
