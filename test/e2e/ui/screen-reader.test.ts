/** What a screen reader finds: axe's rules in each view, landmarks, headings, words for what is drawn. And no motion. */
import { beforeEach, describe, expect } from '@jest/globals';
import type { AxeResults } from 'axe-core';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { succeed } from '../../support/images/image.ts';
import { testUnless } from '../../support/host/requirements.ts';
import { animate, missingBrowser, usePage } from './browser.ts';

const { engine, ui } = usePage();
const AXE = readFileSync(join(import.meta.dirname, '../../../node_modules/axe-core/axe.min.js'), 'utf8');

/** What breaks a rule, with the elements that do. */
async function violations(): Promise<readonly string[]> {
  const { page } = ui();
  // By the debugger, which no policy of the page concerns. The rule left out takes the words of an SVG for one word.
  await page.evaluate(AXE);
  const { violations: found } = (await page.evaluate(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'], rules: { 'label-content-name-mismatch': { enabled: false } } })`,
  )) as AxeResults;
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary ?? ''}`),
  );
}

const select = (name: string): Promise<void> =>
  ui().page.evaluate((word) => {
    const box = [...document.querySelectorAll('#picture .box')].find((one) =>
      one.textContent?.startsWith(word),
    );
    box?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
  }, name);

const views: readonly { readonly name: string; readonly open: () => Promise<void> }[] = [
  {
    name: 'start',
    open: async () => {
      const { click, see } = ui();
      await see('[data-lesson=cable]', /./);
      await click('#in-words summary');
      await see('#in-words li', /^eth0: veth/);
    },
  },
  {
    name: 'lesson',
    open: async () => {
      const { click, press, see } = ui();
      await click('[data-lesson=cable]');
      await see('.xterm-rows', /lab:/);
      await press('#task button', 'Show');
      await press('#task button', 'two');
      await press('#tabs button', 'Screen reader');
      await see('.xterm-accessibility', /lab:/);
    },
  },
  {
    name: 'goal',
    open: async () => {
      const { click, press, see } = ui();
      await click('[data-lesson=cable]');
      await see('.xterm-rows', /lab:/);
      await press('#task button', 'Goal');
      await see('#picture .ghost', /./);
    },
  },
  {
    name: 'stage',
    open: async () => {
      const { page, click, press, see } = ui();
      await click('[data-place=stage]');
      await see('#state', /^The lab stage$/);
      await press('.stage-line button', 'Set the stage');
      await see('.stage-note', /^0 of/);
      await click('[data-act=step]');
      await see('.stage-note', /^1 of/);
      await page.waitForSelector('.card.done');
    },
  },
  {
    name: 'packet',
    open: async () => {
      const { page, press, see } = ui();
      await see('#picture .box', /^web/);
      await page.type('#ask-to', 'web:81');
      await press('#ask button', 'Send a packet');
      await see('.outcome.bad', /It stops/);
    },
  },
  {
    name: 'packet-arrives',
    open: async () => {
      const { page, press, see } = ui();
      await see('#picture .box', /^web/);
      await page.type('#ask-from', 'outside');
      await page.type('#ask-to', ':8080');
      await press('#ask button', 'Send a packet');
      await see('.outcome.good', /It arrives/);
      await see('.hops', /DNAT/);
    },
  },
  {
    name: 'details',
    open: async () => {
      await ui().see('#picture .box', /^web/);
      await select('web');
      await ui().see('#details h2', /web/);
    },
  },
  {
    name: 'x-ray',
    open: async () => {
      const { press, see } = ui();
      await see('#picture .box', /^web/);
      await select('web');
      await press('#details button', 'X-ray');
      await see('.gauges', /Memory/);
    },
  },
  {
    name: 'keys',
    open: async () => {
      await ui().click('#open-keys');
      await ui().see('#keys[open]', /F6/);
    },
  },
];

beforeEach(async () => {
  if (missingBrowser === '')
    await engine.ok('run', '-d', '--name', 'web', '-p', '8080:80', 'test', 'httpd', '-f', '-h', '/www');
});

describe('a screen reader', () => {
  for (const scheme of ['light', 'dark']) {
    for (const { name, open } of views) {
      testUnless(
        missingBrowser,
        `finds nothing amiss: ${name}, ${scheme}`,
        async () => {
          await ui().page.emulateMediaFeatures([
            { name: 'prefers-color-scheme', value: scheme },
            { name: 'prefers-reduced-motion', value: 'reduce' },
          ]);
          await open();
          await ui().shot(`view-${name}-${scheme}`);
          expect(await violations()).toEqual([]);
          // What is for a screen reader only takes no room.
          expect(await ui().page.evaluate(() => document.documentElement.scrollHeight - innerHeight)).toBe(0);
        },
        60_000,
      );
    }
  }

  testUnless(missingBrowser, 'finds landmarks, headings in order, and where it is', async () => {
    const { page, click, see } = ui();
    await click('[data-lesson=cable]');
    await see('#task h3', /^Step 1 of/);
    const landmarks = await page.$$eval('header, nav, main, aside', (all) =>
      all.map((one) => `${one.tagName.toLowerCase()} ${one.getAttribute('aria-label') ?? ''}`.trim()),
    );
    expect(landmarks).toEqual(['header', 'nav Places', 'nav Lessons', 'main', 'aside Task and details']);
    const levels = await page.$$eval('h1, h2, h3, h4', (all) =>
      all.filter((one) => one.checkVisibility()).map(({ tagName }) => Number(tagName[1])),
    );
    expect(levels[0]).toBe(1);
    levels.forEach((level, i) => expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1));
    const current = await page.$$eval('[aria-current]', (all) => all.map((one) => one.textContent));
    expect(current).toEqual([expect.stringContaining('cable'), 'A cable']);
  });

  testUnless(missingBrowser, 'hears what is connected to what, and the end of a packet', async () => {
    const { page, press, see } = ui();
    await see('#picture .box', /^web/);
    const picture = await page.$('#picture');
    const { name, description } = (await page.accessibility.snapshot({
      root: picture!,
      interestingOnly: false,
    }))!;
    expect(name).toBe('The network');
    expect(description).toMatch(
      /^This host, and \d namespaces beside it: .*web.* \d cables\. Forwarding is o/,
    );
    await see('#in-words summary', /^In words$/);
    await ui().click('#in-words summary');
    await see('#in-words li', /^eth0: veth, up, 172\.17\.0\.2\/16, cable to mdv\w+ in this host$/);
    // Live regions are there before their news.
    const news = await page.$('#news[role=status]');
    await page.type('#ask-to', 'web:80');
    await press('#ask button', 'Send a packet');
    await see('#news', /^It arrives\. /);
    expect(await news?.evaluate((one) => one.isConnected)).toBe(true);
    await see('.hops .hop', /^✓ passed: /);
  });
});

describe('motion', () => {
  /** Where the packet has been, and whether anything was animated. */
  async function watchPacket(): Promise<{ places: number; corners: number; animated: boolean }> {
    const { page, press, see } = ui();
    await see('#picture .box', /^web/);
    await page.evaluate(() => {
      const places = new Set<string>();
      Object.assign(window, { places, animated: false });
      new MutationObserver(() => {
        const at = document.querySelector('.packet')?.getAttribute('transform');
        if (at !== undefined && at !== null) places.add(at);
        if (document.getAnimations().length > 0) Object.assign(window, { animated: true });
      }).observe(document.body, { subtree: true, childList: true, attributes: true });
    });
    await page.type('#ask-to', 'web:80');
    await press('#ask button', 'Send a packet');
    // Meanwhile the picture changes too.
    await succeed(engine.host.run(['ip', 'link', 'add', 'moves0', 'type', 'bridge']));
    await see('#picture', /moves0/);
    await see('.outcome.good', /It arrives/);
    await succeed(engine.host.run(['ip', 'link', 'delete', 'moves0']));
    await page.waitForFunction(
      () => document.querySelector('#picture')?.textContent?.includes('moves0') === false,
    );
    return page.evaluate(() => {
      const { places, animated } = window as unknown as { places: Set<string>; animated: boolean };
      const paths = [...document.querySelectorAll('#picture .cable path')];
      const corners = paths.reduce(
        (sum, one) => sum + (one.getAttribute('d')?.match(/[ML]/g)?.length ?? 0),
        0,
      );
      // The corners of the cables, and the middle of the host.
      return { places: places.size, corners: corners + 1, animated };
    });
  }

  testUnless(
    missingBrowser,
    'is none for who wants none: the packet jumps from place to place',
    async () => {
      await animate(ui().page, false);
      const { places, corners, animated } = await watchPacket();
      expect(animated).toBe(false);
      expect(places).toBeLessThanOrEqual(corners);
    },
    60_000,
  );

  testUnless(
    missingBrowser,
    'is there for the others',
    async () => {
      await animate(ui().page, true);
      const { places, corners, animated } = await watchPacket();
      await animate(ui().page, false);
      expect(animated).toBe(true);
      expect(places).toBeGreaterThan(corners);
    },
    60_000,
  );
});
