/** Labs without a lesson: a stage for the steps of any verb, with an image to run; and a small network to break. */
import type { Lesson } from '../../teach/lab/lesson.ts';
import { ROOTFS } from '../../teach/lab/lessons/docker-scenery.ts';

const free = (name: string, title: string, setup: readonly string[]): Lesson => ({
  ...{ name, title, setup },
  group: 'beyond',
  story: '',
  epilogue: '',
  steps: [
    {
      id: 'free',
      title: 'Look around',
      task: 'Do what you like: this host is thrown away.',
      hints: ['minidock --help lists the verbs.'],
      solution: [{ command: 'minidock ps', why: 'It shows the containers of this host.' }],
      requirements: [{ text: 'there is nothing to reach', holds: () => Promise.resolve(false) }],
    },
  ],
});

const PAGE_IMAGE = [...ROOTFS, 'tar -C /srv/rootfs -c . | minidock import - page'];

export const stageLabs: readonly Lesson[] = [free('stage', 'A start on stage', PAGE_IMAGE)];
