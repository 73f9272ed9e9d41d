/** Three lessons from start to end through the page's terminal; the checks find out by themselves. */
import { describe, expect } from '@jest/globals';
import { findLesson } from '../../../src/teach/lab/lessons/index.ts';
import { testUnless } from '../../support/host/requirements.ts';
import { missingBrowser, usePage } from './browser.ts';

const { engine, ui } = usePage();

describe('lessons in the page', () => {
  for (const name of ['cable', 'bridge', 'puzzle-link-down']) {
    testUnless(
      missingBrowser,
      `${name}: each step is reached by what is typed, without a button`,
      async () => {
        const { click, see, shot, text, type } = ui();
        const lesson = findLesson(name)!;
        await click(`[data-lesson=${name}]`);
        await see('#state', new RegExp(`^The lab ${name}$`));
        await see('.xterm-rows', /lab:/);
        for (const [index, step] of lesson.steps.entries()) {
          await see('#task h3', new RegExp(`^Step ${index + 1} of`));
          for (const { command } of step.solution) await type(command);
          if (index === 0) await shot(`lesson-${name}`);
        }
        await see('#task', /You have done all steps of this lesson/);
        expect(await text(`[data-lesson=${name}] .mark`)).toBe('✓');
        await engine.host.waitFor(
          async () => /all/.test((await engine.minidock('lab', 'list')).stdout),
          'the progress to be in the list of the terminal',
        );
      },
      120_000,
    );
  }

  testUnless(
    missingBrowser,
    'the goal is drawn as a ghost, and what is missing is said; a second terminal is in the same lab',
    async () => {
      const { page, click, press, see, shot, type } = ui();
      await click('[data-lesson=cable]');
      await see('#state', /^The lab cable$/);
      await press('#task button', 'Goal');
      await see('#picture .ghost', /./);
      await see('#task .missing', /veth-red/);
      await shot('goal');
      await press('#tabs button', '+ terminal');
      await see('#tabs', /cable 2/);
      await see('.shell-holder:not([hidden]) .xterm-rows', /lab:/);
      await type('ip link add veth-red type veth peer name veth-blue');
      await see('#task h3', /^Step 2 of/);
      await page.waitForFunction(() =>
        [...document.querySelectorAll('#picture text:not(.ghost)')].some(
          (one) => one.textContent === 'veth-red',
        ),
      );
    },
    60_000,
  );

  testUnless(
    missingBrowser,
    'reset starts the lab anew, end removes it',
    async () => {
      const { click, press, see, type } = ui();
      await click('[data-lesson=cable]');
      await see('.xterm-rows', /lab:/);
      await type('ip netns add green');
      await see('#picture .box', /green/);
      await press('#task button', 'End');
      await see('#state', /The lab cable is gone/);
      await engine.host.waitFor(
        async () => !/running/.test((await engine.minidock('lab', 'list')).stdout),
        'the lab to be gone',
      );
    },
    60_000,
  );
});
