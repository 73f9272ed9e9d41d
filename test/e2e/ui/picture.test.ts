/** The picture follows the kernel; a packet stops at the rule that drops it; an x-ray shows limits; names are text. */
import { describe, expect } from '@jest/globals';
import { succeed } from '../../support/images/image.ts';
import { testUnless } from '../../support/host/requirements.ts';
import { animate, missingBrowser, usePage } from './browser.ts';

const { engine, ui } = usePage();
const sh = async (...argv: readonly string[]): Promise<string> =>
  (await succeed(engine.host.run(argv))).stdout;

describe('the picture', () => {
  testUnless(missingBrowser, 'a container comes and goes; its box keeps its element', async () => {
    const { page, see, shot } = ui();
    await engine.ok('run', '-d', '--name', 'web', '-p', '8080:80', 'test', 'httpd', '-f', '-h', '/www');
    await see('#picture .box', /^web/);
    await page.evaluate(() => {
      const box = [...document.querySelectorAll('#picture .box')].find((one) =>
        one.textContent?.startsWith('web'),
      );
      (box as SVGElement).dataset['mine'] = 'yes';
    });
    await engine.ok('run', '-d', '--name', 'db', 'test', 'sleep', '1000');
    await see('#picture .box', /^db/);
    expect(await page.$$eval('#picture [data-mine=yes]', (all) => all.length)).toBe(1);
    await shot('machine');
    await engine.ok('rm', '-f', 'db');
    await page.waitForFunction(
      () => ![...document.querySelectorAll('#picture .box')].some((one) => one.textContent?.startsWith('db')),
    );
  });

  testUnless(missingBrowser, 'a click shows commands, facts and counters that tick', async () => {
    const { page, see } = ui();
    await engine.ok('run', '-d', '--name', 'web', 'test', 'httpd', '-f', '-h', '/www');
    await see('#picture .box', /^web/);
    await page.evaluate(() => {
      const row = [...document.querySelectorAll('#picture text[data-ref]')].find(
        (one) => one.textContent === 'minidock0',
      );
      row?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    });
    await see('#details h2', /^minidock0 in this host$/);
    await see('#details code', /^ip -d -s link show dev minidock0$/);
    await see('.counters', /received packets/);
    const before = Number((await ui().text('.counters td')).replaceAll(',', ''));
    await sh('ping', '-c', '3', '-i', '0.2', '172.17.0.2');
    await page.waitForFunction(
      (then: number) =>
        Number(document.querySelector('.counters td')?.textContent?.replaceAll(',', '')) > then,
      { timeout: 5000 },
      before,
    );
  });

  testUnless(
    missingBrowser,
    'a packet stops at the rule that the test adds, with what to see and to do',
    async () => {
      const { page, press, see, shot } = ui();
      await engine.ok('run', '-d', '--name', 'web', '-p', '8080:80', 'test', 'httpd', '-f', '-h', '/www');
      await sh('nft', 'add table inet mine');
      await sh('nft', 'add chain inet mine block { type filter hook forward priority 5 ; }');
      await sh('nft', 'add rule inet mine block tcp dport 80 drop comment "test"');
      try {
        await see('#picture .box', /^web/);
        await page.type('#ask-from', 'outside');
        await page.type('#ask-to', ':8080');
        await press('#ask button', 'Send a packet');
        await see('.outcome.bad', /It stops at: forward/);
        await see('.hop.stop', /inet mine block.*tcp dport 80 drop/s);
        await see('.outcome .command', /nft/);
        await see('.hops', /DNAT/);
        await shot('packet');
        await animate(page, true);
        await press('#strip button', 'Play again');
        await page.waitForFunction(
          () =>
            document.querySelectorAll('.hop.now').length === 1 && document.querySelector('.outcome') === null,
        );
        await animate(page, false);
      } finally {
        await sh('nft', 'delete table inet mine');
      }
      await press('#ask button', 'Send a packet');
      await see('.outcome.good', /It arrives/);
    },
    60_000,
  );

  testUnless(missingBrowser, 'the x-ray of a container with limits', async () => {
    const { page, press, see, shot } = ui();
    await engine.ok(
      'run',
      '-d',
      '--name',
      'tight',
      '-m',
      '32m',
      '--pids-limit',
      '7',
      '--cap-drop',
      'ALL',
      'test',
      'sh',
      '-c',
      'head -c 300000 /dev/zero >/big; exec sleep 1000',
    );
    await see('#picture .box', /^tight/);
    await page.evaluate(() => {
      const box = [...document.querySelectorAll('#picture .box')].find((one) =>
        one.textContent?.startsWith('tight'),
      );
      box?.dispatchEvent(new MouseEvent('click', { bubbles: true }));
    });
    await press('#details button', 'X-ray');
    await see('.gauges', /Memory.* of 33\.6 MB/);
    await see('.gauges', /Processes1 of 7/);
    await see('.processes', /PID 1sleep 1000/);
    await see('#details', /CapDrop ALL/);
    expect(await page.$$eval('.bit.on', (all) => all.length)).toBe(0);
    await see('.layers', /writable layer 1 files, adds 300(\.\d+)? kB/);
    await shot('x-ray');
  });

  testUnless(missingBrowser, 'hostile names stay text', async () => {
    const { page, see } = ui();
    const evil = '<img src=x onerror=window.pwned=1>';
    await sh('ip', 'link', 'add', '<b>x&"\'', 'type', 'bridge');
    await engine.ok(
      'run',
      '-d',
      '--name',
      'evil',
      '--label',
      `a=${evil}`,
      'test',
      'sh',
      '-c',
      'sleep 1000; :',
      evil,
    );
    try {
      await see('#picture text', /^<b>x&"'$/);
      await see('#picture .box', /<img src=x/);
      await page.evaluate(() => {
        for (const one of document.querySelectorAll('#picture .box, #picture text[data-ref]'))
          one.dispatchEvent(new MouseEvent('click', { bubbles: true }));
      });
      await see('#details h2', /./);
      expect(await page.evaluate(() => 'pwned' in window)).toBe(false);
      expect(await page.$$eval('img, #picture b, #details b', (all) => all.length)).toBe(0);
    } finally {
      await sh('ip', 'link', 'delete', '<b>x&"\'');
    }
  });
});
