/** With keys alone: a step of a lesson, the way of a packet, a start on stage; nothing traps the focus or loses it. */
import { describe, expect } from '@jest/globals';
import { succeed } from '../../support/images/image.ts';
import { testUnless } from '../../support/host/requirements.ts';
import { missingBrowser, usePage } from './browser.ts';
import { keyboardOf } from './keys.ts';

const { engine, ui } = usePage();
const { press, shift, focused, hasFocus, focusOn, tabTo } = keyboardOf(ui);
const TERMINAL = '.shell-holder:not([hidden]) textarea';

/** The region that has the focus. */
const region = (): Promise<string> =>
  ui().page.evaluate(
    () =>
      document.activeElement?.closest('#top, #left, #middle, #strip, #shell, #right, #timeline')?.id ??
      'none',
  );
const stepsDone = async (): Promise<number> => parseInt(await ui().text('.stage-note'), 10);
const transform = (): Promise<string> =>
  ui().page.$eval('#picture > g', (one) => one.getAttribute('transform') ?? '');

describe('by keyboard', () => {
  testUnless(
    missingBrowser,
    'a step of a lesson, from choosing it to its check',
    async () => {
      const { page, see, shot } = ui();
      await tabTo('[data-lesson=cable]');
      await press('Enter');
      await see('.xterm-rows', /lab:/);
      // The task is what is read next.
      await focusOn('#task h2');
      await see('#task h3', /^Step 1 of/);
      await tabTo('#task button', 'two');
      await press('Space');
      await see('#news', /^Right\. A veth is always a pair/);
      expect(await focused()).toBe('✓ two');
      await tabTo('#task button', 'Check now');
      await press('Enter');
      await see('#news', /^Not yet\. Missing: .*veth-red/);
      // What is drawn anew with the answer keeps the focus.
      expect(await focused()).toBe('Check now');
      await shift('F6');
      expect(await hasFocus(TERMINAL)).toBe(true);
      await page.keyboard.sendCharacter('ip link add veth-red type veth peer name veth-blu');
      // Tab is the shell's here.
      await press('Tab');
      expect(await hasFocus(TERMINAL)).toBe(true);
      await shot('focus-terminal');
      await page.keyboard.sendCharacter('e');
      await press('Enter');
      await see('#news', /^Step 1 is reached\. Step 2 of 7: /);
      await press('F6');
      expect(await region()).toBe('right');
      await see('#task [aria-current=step]', /./);
      await tabTo('#task button', 'End');
      await press('Enter');
      await see('#state', /The lab cable is gone/);
    },
    90_000,
  );

  testUnless(
    missingBrowser,
    'a packet between two ends that arrows find along the cables, and an x-ray',
    async () => {
      const { page, see, shot } = ui();
      await engine.ok('run', '-d', '--name', 'web', 'test', 'httpd', '-f', '-h', '/www');
      await see('#picture .box', /^web/);
      await tabTo('#picture .node');
      expect(await focused()).toMatch(/^This host: \d interfaces/);
      await press('End', 'Home');
      for (let row = 0; row < 10 && !/^mdv/.test(await focused()); row++) await press('ArrowDown');
      expect(await focused()).toMatch(/^mdv.*port of minidock0, cable to eth0 in web$/);
      await press('ArrowRight');
      expect(await focused()).toMatch(/^Cable between .*eth0 in web/);
      await shot('focus-cable');
      await press('ArrowRight');
      expect(await focused()).toMatch(/^eth0: veth, up, 172\.17\.0\.2\/16, cable to mdv\w+ in this host$/);
      await press('ArrowUp');
      expect(await focused()).toMatch(/^Container web, image .*: 2 interfaces$/);
      await shot('focus-node');
      await press('Enter');
      await focusOn('#details h2');
      expect(await focused()).toBe('Network namespace web');
      await press('Escape');
      expect(await focused()).toMatch(/^Container web/);
      await press('Space');
      await tabTo('#details button', 'Packet to here');
      await press('Enter');
      await focusOn('#ask-to');
      await press('Enter');
      await see('#news', /^It arrives\. /);
      expect(await hasFocus('#ask-to')).toBe(true);
      await press('F6', 'F6');
      expect(await focused()).toMatch(/^Container web/);
      await press('Enter');
      await tabTo('#details button', 'X-ray');
      await press('Enter');
      await see('#details h2', /^X-ray of web/);
      await focusOn('#details h2');
      await press('Escape');
      expect(await focused()).toMatch(/^Container web/);
      await engine.ok('rm', '-f', 'web');
      await page.waitForFunction(
        () =>
          ![...document.querySelectorAll('#picture [data-node]')].some((one) => /web/.test(one.ariaLabel!)),
      );
      // The part is gone: one beside it has the focus.
      expect(await hasFocus('#picture .node')).toBe(true);
    },
    60_000,
  );

  testUnless(missingBrowser, 'a part of the picture keeps the focus while others come and go', async () => {
    const { page, see } = ui();
    await tabTo('#picture .node');
    await press('ArrowDown');
    const row = await page.evaluateHandle(() => document.activeElement);
    const name = await focused();
    expect(name).toMatch(/^lo: loopback/);
    const lost = page.evaluate(
      (one) => new Promise<string>((resolve) => one?.addEventListener('blur', () => resolve('lost'))),
      row,
    );
    await succeed(engine.host.run(['ip', 'link', 'add', 'later0', 'type', 'bridge']));
    await see('#picture', /later0/);
    await succeed(engine.host.run(['ip', 'link', 'delete', 'later0']));
    await page.waitForFunction(
      () => document.querySelector('#picture')?.textContent?.includes('later0') === false,
    );
    expect(await Promise.race([lost, page.evaluate(() => 'kept')])).toBe('kept');
    expect(await focused()).toBe(name);
  });

  testUnless(missingBrowser, 'the picture moves and zooms, by itself and from a part of it', async () => {
    await tabTo('#picture');
    const seen = [await transform()];
    for (const key of ['ArrowLeft', 'ArrowDown', '+', '-'] as const) {
      await press(key);
      seen.push(await transform());
    }
    expect(new Set(seen).size).toBe(4);
    expect(seen[4]).toBe(seen[2]);
    await press('0');
    expect(await transform()).toBe(seen[0]);
    await press('Tab', 'ArrowDown');
    expect(await transform()).toBe(seen[0]);
    await shift('ArrowLeft');
    expect(await transform()).not.toBe(seen[0]);
    await press('0');
    expect(await transform()).toBe(seen[0]);
  });

  testUnless(
    missingBrowser,
    'a start on stage: play, pause, step and back, and each button keeps the focus',
    async () => {
      const { see, shot } = ui();
      await tabTo('[data-place=stage]');
      await press('Enter');
      await see('#state', /^The lab stage$/);
      await focusOn('#task h2');
      await tabTo('.stage-line button');
      await press('Enter');
      await see('.stage-note', /^0 of/);
      await tabTo('[data-act=play]');
      await press('Enter');
      await see('.stage-note', /^2 of/);
      await press('Space');
      await see('[data-act=play]', /Play/);
      await focusOn('[data-act=play]');
      const done = await stepsDone();
      await tabTo('[data-act=step]');
      await press('Enter');
      await engine.host.waitFor(async () => (await stepsDone()) > done, 'a step to be done');
      await focusOn('[data-act=step]');
      await shot('focus-stage');
      await shift('Tab');
      await shift('Tab');
      await focusOn('[data-act=back]:not([aria-disabled=true])');
      const most = await stepsDone();
      await press('Space');
      await engine.host.waitFor(async () => (await stepsDone()) < most, 'a step to be undone');
      await focusOn('[data-act=back]');
      await tabTo('[data-act=end]');
      await press('Enter');
      await see('.stage-note', /^0 of .*Undone, by the journal/);
    },
    90_000,
  );

  testUnless(missingBrowser, 'F6 goes round the regions and back, and the page says so', async () => {
    const { see } = ui();
    await see('#tabs', /F6 leaves it/);
    const regions = ['top', 'left', 'middle', 'strip', 'shell', 'right', 'timeline'];
    for (const name of [...regions, 'top']) {
      await press('F6');
      expect(await region()).toBe(name);
    }
    for (const name of [...regions.slice(1), 'top'].reverse()) {
      if (name !== 'top') await shift('F6');
      expect(await region()).toBe(name);
    }
    await tabTo('#open-keys');
    await press('Enter');
    await see('#keys[open]', /next, previous region/);
    await ui().shot('keys');
    await press('Escape');
    await focusOn('#open-keys');
    expect(await ui().page.$('#keys[open]')).toBeNull();
  });

  for (const scheme of ['light', 'dark']) {
    testUnless(missingBrowser, `Tab goes round the page, each stop with a ring: ${scheme}`, async () => {
      const { page, see } = ui();
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
      await see('[data-lesson]', /./);
      await press('Tab');
      expect(await focused()).toBe('To the picture');
      expect(await page.$eval('.skip', (one) => one.getBoundingClientRect().left)).toBeGreaterThanOrEqual(0);
      const stops: string[] = [];
      const rings: number[] = [];
      while (!(await page.evaluate(() => document.activeElement === document.body))) {
        const { name, ring } = await page.evaluate(contrastOfRing);
        stops.push(name);
        rings.push(ring);
        expect(stops.length).toBeLessThan(100);
        await press('Tab');
      }
      expect(stops.length).toBeGreaterThan(20);
      expect(Object.fromEntries(stops.map((name, i) => [name, (rings[i] ?? 0) >= 3]))).toEqual(
        Object.fromEntries(stops.map((name) => [name, true])),
      );
      await page.reload({ waitUntil: 'domcontentloaded' });
      await see('[data-lesson]', /./);
      await press('Tab', 'Enter');
      expect(await hasFocus('#picture')).toBe(true);
    });
  }
});

/** In the page: the contrast of the focus ring with the page; 0 without a ring of two pixels. */
function contrastOfRing(): { name: string; ring: number } {
  const element = document.activeElement!;
  const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
  const luminance = (color: string): number => {
    const [red = 0, green = 0, blue = 0] = (color.match(/[\d.]+/g) ?? []).map((word) => {
      const part = Number(word) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  let around: Element | null = element;
  while (around !== null && getComputedStyle(around).backgroundColor === 'rgba(0, 0, 0, 0)')
    around = around.parentElement;
  const [one, other] = [outlineColor, getComputedStyle(around ?? document.body).backgroundColor].map(
    luminance,
  );
  const [low = 0, high = 0] = [one ?? 0, other ?? 0].sort((a, b) => a - b);
  return {
    name: `${element.tagName} ${element.id} ${element.getAttribute('aria-label') ?? element.textContent ?? ''}`,
    ring: outlineStyle === 'none' || parseFloat(outlineWidth) < 2 ? 0 : (high + 0.05) / (low + 0.05),
  };
}
