/** A start on stage: play, pause, step, back by the step's own undo, and the undo of everything, in the lab's kernel. */
import { describe, expect } from '@jest/globals';
import { testUnless } from '../../support/host/requirements.ts';
import { missingBrowser, usePage } from './browser.ts';

const { ui } = usePage();

describe('a start on stage', () => {
  testUnless(
    missingBrowser,
    'step and back change the kernel of the lab, play goes on to the end, and the page is served',
    async () => {
      const { page, click, press, see, shot, text, type } = ui();
      const done = async (): Promise<number> => Number.parseInt(await text('.stage-note'));
      await click('[data-place=stage]');
      await see('#state', /^The lab stage$/);
      await press('.stage-line button', 'Set the stage');
      await see('.stage-note', /^0 of 1\d\d steps done/);
      // Until the cable is there.
      for (let count = 1; !/\bmdv/.test(await text('#picture')) && count < 30; count++) {
        await click('[data-act=step]');
        await see('.stage-note', new RegExp(`^${count} of`));
        await page.waitForNetworkIdle({ idleTime: 100 }).catch(() => undefined);
      }
      await see('#picture .box', /mdv/);
      await shot('stage');
      // Each step back is one; the cable goes with its namespace, and what was before it comes again.
      await click('[data-act=back]');
      await see('.stage-note', /Undone with netns\.create: /);
      for (let left = await done(); /mdv/.test(await text('#picture')) && left > 1;) {
        await click('[data-act=back]');
        left -= 1;
        await see('.stage-note', new RegExp(`^${left} of`));
      }
      await page.waitForFunction(() => !document.querySelector('#picture')?.textContent?.includes('mdv'));
      expect(await done()).toBeGreaterThan(0);
      await press('.levels button', 'chapters');
      expect(await page.$$eval('.card', (all) => all.length)).toBe(0);
      await press('.levels button', 'everything');
      await see('.card', /Without/);
      // Everything that remains, step by step, as fast as it goes.
      for (let next = await done(); !/It runs/.test(await text('.stage-note')); next++) {
        await click('[data-act=step]');
        await see('.stage-note', new RegExp(`^${next + 1} of|It runs`));
      }
      await type('wget -qO- http://203.0.113.2:8080/ || busybox wget -qO- http://203.0.113.2:8080/');
      await see('.xterm-rows', /hello from the container/);
    },
    180_000,
  );

  testUnless(
    missingBrowser,
    'play and pause; undo all leaves nothing behind',
    async () => {
      const { click, press, see, text } = ui();
      await click('[data-place=stage]');
      await see('#state', /^The lab stage$/);
      await press('.stage-line button', 'Set the stage');
      await see('.stage-note', /^0 of/);
      await click('[data-act=play]');
      await see('.stage-note', /^4 of/);
      await click('[data-act=play]');
      await see('[data-act=play]', /Play/);
      await click('[data-act=end]');
      await see('.stage-note', /^0 of .*Undone, by the journal/);
      expect(await text('#picture')).not.toContain('mdv');
    },
    60_000,
  );
});
