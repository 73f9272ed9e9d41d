/**
 * Figures of the page, with bounds that a busy machine keeps too: how soon the first picture is there, how soon a change
 * of the kernel is seen, how smooth 200 neighbours move, how large the page is. MINIDOCK_FIGURES names a file for them.
 */
import { describe, expect } from '@jest/globals';
import { appendFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { succeed } from '../../support/images/image.ts';
import { testUnless } from '../../support/host/requirements.ts';
import { animate, missingBrowser, usePage } from './browser.ts';

const { engine, ui } = usePage();

/** More turns for figures that count. */
const TURNS = process.env['MINIDOCK_FIGURES'] === undefined ? 3 : 7;
/** What no busy machine reaches. */
const LONG_MS = 20_000;

function record(what: string, value: number): void {
  const file = process.env['MINIDOCK_FIGURES'];
  if (file !== undefined) appendFileSync(file, `${what}: ${value.toFixed(1)}\n`);
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;

describe('figures', () => {
  testUnless(missingBrowser, 'the first picture, and the size of the page', async () => {
    const { page, address } = ui();
    const times: number[] = [];
    await page.evaluateOnNewDocument(() => {
      const seen = new MutationObserver(() => {
        if (document.querySelector('#picture .box') === null) return;
        Object.assign(window, { drawnAt: performance.now() });
        seen.disconnect();
      });
      seen.observe(document, { childList: true, subtree: true });
    });
    for (let turn = 0; turn < TURNS; turn++) {
      await page.goto(address);
      await page.waitForFunction(() => 'drawnAt' in window);
      times.push(await page.evaluate(() => (window as unknown as { drawnAt: number }).drawnAt));
    }
    record('first picture, ms', median(times));
    expect(median(times)).toBeLessThan(LONG_MS);
    const sizes = await page.evaluate(async () =>
      Promise.all(
        ['', 'page.js', 'page.css'].map(async (path) => {
          const answer = await fetch(`${location.pathname}${path}`);
          return answer.ok ? answer.text() : '';
        }),
      ),
    );
    expect(sizes).not.toContain('');
    const compressed = gzipSync(sizes.join('')).length;
    record('page, compressed bytes', compressed);
    expect(compressed).toBeLessThan(400_000);
  });

  testUnless(missingBrowser, 'a change of the kernel is seen soon', async () => {
    const { page } = ui();
    const times: number[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      const name = `seen${turn}`;
      const seen = page.evaluate(
        (word: string) =>
          new Promise<number>((resolve) => {
            new MutationObserver(() => {
              if (document.querySelector('#picture')?.textContent?.includes(word) === true)
                resolve(Date.now());
            }).observe(document.querySelector('#picture')!, { childList: true, subtree: true });
          }),
        name,
      );
      const made = (
        await succeed(engine.host.run(['sh', '-c', `ip link add ${name} type bridge; date +%s%3N`]))
      ).stdout;
      times.push((await seen) - Number(made));
      await succeed(engine.host.run(['ip', 'link', 'delete', name]));
    }
    record('change seen after, ms', median(times));
    expect(median(times)).toBeLessThan(LONG_MS);
  });

  testUnless(
    missingBrowser,
    '200 neighbours of a bridge: grouped, opened, moved',
    async () => {
      const { page, see, shot } = ui();
      await animate(page, true);
      const lines = ['link add crowd type bridge'];
      const names = Array.from({ length: 200 }, (_, i) => `c${i}`);
      for (const name of names) {
        lines.push(
          `netns add ${name}`,
          `link add p${name} type veth peer name eth0 netns ${name}`,
          `link set p${name} master crowd`,
        );
      }
      try {
        await succeed(engine.host.run(['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` }));
        await see('#picture .box', /192 more on crowd/);
        await shot('crowd');
        await page.evaluate(() => {
          const box = [...document.querySelectorAll('#picture .box')].find((one) =>
            /more on crowd/.test(one.textContent ?? ''),
          );
          box?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
        });
        await page.waitForFunction(() => document.querySelectorAll('#picture .box').length > 200);
        await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 600)));
        const rate = await page.evaluate(
          () =>
            new Promise<number>((resolve) => {
              const frame = document.querySelector('#picture')!;
              const begin = performance.now();
              let frames = 0;
              const next = (now: number): void => {
                frames += 1;
                frame.dispatchEvent(
                  new KeyboardEvent('keydown', { key: frames % 2 === 0 ? 'ArrowLeft' : 'ArrowDown' }),
                );
                if (now - begin < 2000) requestAnimationFrame(next);
                else resolve((frames * 1000) / (now - begin));
              };
              requestAnimationFrame(next);
            }),
        );
        record('frames a second while 200 move', rate);
        expect(rate).toBeGreaterThan(5);
        await page.type('#search', 'c150');
        await see('#picture .box.selected', /^c150/);
      } finally {
        const gone = [...names.map((name) => `netns delete ${name}`), 'link delete crowd'];
        await engine.host.run(['ip', '-batch', '-'], { input: `${gone.join('\n')}\n` });
      }
    },
    120_000,
  );
});
