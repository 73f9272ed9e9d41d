/** A start on stage: play, pause, step, back by the step's own undo, and the undo of everything, in the lab's kernel. */
import { describe, expect } from '@jest/globals';
import { testUnless } from '../../support/host/requirements.ts';
import { missingBrowser, usePage } from './browser.ts';

const { ui } = usePage();

/** Clicks as soon as the page can, again and again, until its note says so or that step is the next one. */
const clickUntil = (act: 'step' | 'back', until: { note: string } | { next: string }): Promise<void> =>
  ui().page.evaluate(
    (button: string, note: string | undefined, next: string | undefined) =>
      new Promise<void>((resolve, reject) => {
        const textOf = (selector: string): string => document.querySelector(selector)?.textContent ?? '';
        let clicked = '';
        const look = (): void => {
          const now = textOf('.stage-note');
          const failure = textOf('.cards .bad');
          const isThere =
            next === undefined
              ? note !== undefined && now.includes(note)
              : document.querySelector(`.card.next[data-step="${next}"]`) !== null;
          const found = document.querySelector<HTMLElement>(button);
          if (!isThere && failure === '') {
            if (now === clicked || found === null) return;
            clicked = now;
            found.click();
            return;
          }
          changes.disconnect();
          if (isThere) resolve();
          else reject(new Error(failure));
        };
        const changes = new MutationObserver(look);
        changes.observe(document.body, { subtree: true, childList: true, attributes: true });
        look();
      }),
    `[data-act=${act}]:not([aria-disabled=true])`,
    'note' in until ? until.note : undefined,
    'next' in until ? until.next : undefined,
  );

describe('a start on stage', () => {
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

  testUnless(
    missingBrowser,
    'step and back change the kernel of the lab, play goes on to the end, and the page is served',
    async () => {
      const { page, click, press, see, shot, type } = ui();
      await click('[data-place=stage]');
      await see('#state', /^The lab stage$/);
      await press('.stage-line button', 'Set the stage');
      await see('.stage-note', /^0 of 1\d\d steps done/);
      // Until the cable is there.
      await clickUntil('step', { next: 'veth.attach' });
      await see('#picture .box', /mdv/);
      await shot('stage');
      // One back is one step; the cable goes with its namespace, and what was before it comes again.
      await click('[data-act=back]');
      await see('.stage-note', /Undone with netns\.create: /);
      await page.waitForFunction(() => !document.querySelector('#picture')?.textContent?.includes('mdv'));
      await clickUntil('back', { next: 'bridge.create' });
      await see('.stage-note', /^1 of/);
      await press('.levels button', 'chapters');
      expect(await page.$$eval('.card', (all) => all.length)).toBe(0);
      await press('.levels button', 'everything');
      await see('.card', /Without/);
      await clickUntil('step', { note: 'It runs' });
      await type('wget -qO- http://203.0.113.2:8080/ || busybox wget -qO- http://203.0.113.2:8080/');
      await see('.xterm-rows', /hello from the container/);
      // The same name again, and the same port: the first makes room.
      await press('.stage-line button', 'Set the stage');
      await see('.stage-note', /^0 of 1\d\d steps done/);
      await page.waitForFunction(() => !document.querySelector('#picture')?.textContent?.includes('mdv'));
    },
    180_000,
  );
});
