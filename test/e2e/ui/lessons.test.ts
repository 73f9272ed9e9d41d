/** Three lessons from start to end through the page's terminal; the checks find out by themselves. */
import { describe } from '@jest/globals';
import { brokenNetwork, seedOf } from '../../../src/teach/lab/break/break-it.ts';
import { findLesson } from '../../../src/teach/lab/lessons/index.ts';
import { testUnless } from '../../support/host/requirements.ts';
import { missingBrowser, usePage } from './browser.ts';

const { engine, ui } = usePage();

const isLab = async (state: RegExp, name: string): Promise<boolean> =>
  state.test(
    (await engine.minidock('lab', 'list')).stdout.split('\n').find((line) => line.startsWith(`${name} `)) ??
      '',
  );

describe('lessons in the page', () => {
  for (const name of ['cable', 'bridge', 'puzzle-link-down']) {
    testUnless(
      missingBrowser,
      `${name}: each step is reached by what is typed, without a button`,
      async () => {
        const { click, see, shot, type } = ui();
        const lesson = findLesson(name)!;
        await click(`[data-lesson=${name}]`);
        await see('#state', new RegExp(`^The lab ${name}$`));
        await see('.xterm-rows', /lab:/);
        for (const [index, step] of lesson.steps.entries()) {
          await see('#task h3', new RegExp(`^Step ${index + 1} of`));
          if (name === 'cable' && index === 0) await showGoalAndSecondTerminal();
          for (const { command } of step.solution) await type(command);
          if (index === 0) await shot(`lesson-${name}`);
        }
        await see('#task', /You have done all steps of this lesson/);
        await see(`[data-lesson=${name}] .mark`, /✓/);
        await engine.host.waitFor(() => isLab(/all/, name), 'the progress to be in the list of the terminal');
      },
      120_000,
    );
  }

  /** The goal is drawn as a ghost, and what is missing is said; what follows is typed in a second terminal. */
  async function showGoalAndSecondTerminal(): Promise<void> {
    const { press, see, shot } = ui();
    await press('#task button', 'Goal');
    await see('#picture .ghost', /./);
    await see('#task .missing', /veth-red/);
    await shot('goal');
    await press('#tabs button', '+ terminal');
    await see('#tabs', /cable 2/);
    await see('.shell-holder:not([hidden]) .xterm-rows', /lab:/);
  }

  testUnless(
    missingBrowser,
    'what a command does after a silence counts as well, though no message of the kernel says so',
    async () => {
      const { click, see, type } = ui();
      const { steps } = findLesson('overlay')!;
      await click('[data-lesson=overlay]');
      await see('.xterm-rows', /lab:/);
      await see('#task h3', /^Step 1 of/);
      await type(`busybox sleep 1; ${steps[0].solution[0].command}`);
      await see('#task h3', /^Step 2 of/);
    },
    60_000,
  );

  testUnless(
    missingBrowser,
    'reset typed in the shell: the page follows into the new lab, at its first step',
    async () => {
      const { page, click, see, type } = ui();
      await click('[data-lesson=bridge]');
      await see('.xterm-rows', /lab:/);
      await type('ip netns add violet');
      await see('#picture .box', /violet/);
      await type('reset');
      await page.waitForFunction(() => !document.querySelector('#picture')?.textContent?.includes('violet'));
      await see('#state', /^The lab bridge$/);
      await see('#task h3', /^Step 1 of/);
      await see('#picture .box', /outside/);
      await see('.shell-holder:not([hidden]) .xterm-rows', /lab:/);
      await type('ip netns add white');
      await see('#picture .box', /white/);
    },
    60_000,
  );

  testUnless(
    missingBrowser,
    'a random fault is repaired, for points',
    async () => {
      const { click, see, text, type } = ui();
      await click('[data-break=random]');
      await see('#state', /^The lab break-\d+$/);
      await see('.xterm-rows', /lab:/);
      const seed = seedOf((await text('#state')).replace('The lab ', ''));
      await see('#task h3', /Find it and repair it/);
      for (const { command } of brokenNetwork(seed ?? 0).steps[0].solution) await type(command);
      await see('#task .score', /^Score: \d+ of 100 \(.*, 0 hints\)/);
      await see('#task', new RegExp(`--seed ${String(seed)} `));
    },
    60_000,
  );

  testUnless(
    missingBrowser,
    'end removes the lab',
    async () => {
      const { click, press, see, type } = ui();
      await click('[data-lesson=cable]');
      await see('.xterm-rows', /lab:/);
      await type('ip netns add green');
      await see('#picture .box', /green/);
      await press('#task button', 'End');
      await see('#state', /The lab cable is gone/);
      await engine.host.waitFor(async () => !(await isLab(/running/, 'cable')), 'the lab to be gone');
    },
    60_000,
  );
});
