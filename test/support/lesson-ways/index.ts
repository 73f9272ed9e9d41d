/** All of them. */
import { articleWays } from './article.ts';
import { basicWays } from './basics.ts';
import { clusterWays } from './cluster.ts';
import { dockerWays } from './docker.ts';
import { limitWays } from './limits.ts';
import { namespaceWays } from './namespaces.ts';
import { puzzleWays } from './puzzles.ts';
import { routeWays } from './routes.ts';
import type { LessonWays } from './ways.ts';

export const allWays: readonly LessonWays[] = [
  ...basicWays,
  ...dockerWays,
  ...articleWays,
  ...puzzleWays,
  ...namespaceWays,
  ...limitWays,
  ...routeWays,
  ...clusterWays,
];
