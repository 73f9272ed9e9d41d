/** The map of lessons, in groups. */
import type { LessonInfo, SceneId } from '../messages.ts';
import { fill, h, isByKey, unseen } from './dom.ts';

const GROUPS: Readonly<Record<string, string>> = {
  cable: 'Cables',
  host: 'The host',
  bridge: 'Bridges',
  docker: 'As Docker does it',
  article: 'An article, row by row',
  puzzle: 'Puzzles',
  beyond: 'Beyond the network',
  cluster: 'Hosts and pods',
};

/** Where the focus shall go depends on whether a key chose the lesson. */
type Start = (name: string, byKey: boolean) => void;

export function drawLessons(
  body: HTMLElement,
  lessons: readonly LessonInfo[],
  labs: readonly string[],
  at: SceneId,
  start: Start,
): void {
  const groups = [...new Set(lessons.map(({ group }) => group))];
  // What the user has opened or closed stays so.
  const drawn = [...body.querySelectorAll('details')];
  const wasOpen = new Map(drawn.map((one) => [one.dataset['group'], one.open]));
  fill(
    body,
    h('h2', { class: 'unseen' }, 'Lessons'),
    ...groups.map((group) => {
      const members = lessons.filter((lesson) => lesson.group === group);
      const finished = members.filter(isDone).length;
      const begun = (finished < members.length && finished > 0) || group === groups[0];
      const open = members.some(({ name }) => name === at) || (wasOpen.get(group) ?? begun);
      return h(
        'details',
        { 'data-group': group, open },
        h(
          'summary',
          { 'data-act': `group-${group}` },
          GROUPS[group] ?? group,
          h('small', {}, ` ${finished}/${members.length}`),
          unseen(' done'),
        ),
        h(
          'ul',
          {},
          ...members.map((lesson) => lessonRow(lesson, labs, at, start)),
          group === 'puzzle' ? breakRow(start) : undefined,
        ),
      );
    }),
  );
}

function lessonRow(lesson: LessonInfo, labs: readonly string[], at: SceneId, start: Start): HTMLElement {
  const { name, title, done, steps } = lesson;
  const mark = isDone(lesson) ? '✓' : name === at ? '▸' : done.length > 0 ? '◐' : '○';
  const words = [
    isDone(lesson) ? 'done' : `${done.length} of ${steps.length} steps done`,
    ...(labs.includes(name) ? ['its lab runs'] : []),
  ];
  return h(
    'li',
    {},
    h(
      'button',
      {
        class: name === at ? 'lesson shown' : 'lesson',
        'data-lesson': name,
        click: (event) => start(name, isByKey(event)),
        ...(name === at ? { 'aria-current': 'true' } : {}),
      },
      h('span', { class: 'mark', 'aria-hidden': 'true' }, mark),
      h('span', {}, name, unseen(': '), h('small', {}, title), unseen(` (${words.join(', ')})`)),
      labs.includes(name) ? h('i', { class: 'runs', title: 'Its lab runs' }) : undefined,
    ),
  );
}

/** Another network each time; its number is its name. */
const breakRow = (start: Start): HTMLElement =>
  h(
    'li',
    {},
    h(
      'button',
      {
        class: 'lesson',
        'data-break': 'random',
        click: (event) => start(`break-${String(Math.floor(Math.random() * 1_000_000))}`, isByKey(event)),
      },
      h('span', { class: 'mark', 'aria-hidden': 'true' }, '?'),
      h('span', {}, 'break it', h('small', {}, 'A random fault, for points')),
    ),
  );

const isDone = ({ done, steps }: LessonInfo): boolean => steps.every(({ id }) => done.includes(id));
