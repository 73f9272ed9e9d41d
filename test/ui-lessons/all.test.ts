/**
 * Every lesson once through the page's terminal, by its own solution; not part of CI, since it takes minutes:
 * `npm run test:ui-lessons`, and LESSONS='vxlan pod' for some.
 */
import { describe } from '@jest/globals';
import { missingBrowser, usePage } from '../e2e/ui/browser.ts';
import { testUnless } from '../support/host/requirements.ts';
import { chosenLessons } from '../support/lesson-ways/chosen.ts';

const { ui } = usePage();

describe('each lesson in the page', () => {
  for (const { name, steps } of chosenLessons) {
    testUnless(
      missingBrowser,
      name,
      async () => {
        const { click, press, see, type } = ui();
        await click(`[data-lesson=${name}]`);
        await see('#state', new RegExp(`^The lab ${name}$`));
        await see('.shell-holder:not([hidden]) .xterm-rows', /lab:/);
        for (const [index, { solution }] of steps.entries()) {
          // A step may be reached with the one before.
          await see('#task', new RegExp(`Step ([${String(index + 1)}-9]|\\d\\d) of|You have done all`));
          for (const { command, answers = [] } of solution) {
            await type(command);
            for (const answer of answers) {
              await see('.shell-holder:not([hidden]) .xterm-rows', /: *$/);
              await type(answer);
            }
          }
          await press('#task button', 'Check now').catch(() => undefined);
        }
        await see('#task', /You have done all steps of this lesson/);
        await press('#task button', 'End');
        await see('#state', new RegExp(`The lab ${name} is gone`));
      },
      240_000,
    );
  }
});
