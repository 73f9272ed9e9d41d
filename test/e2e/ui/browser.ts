/**
 * `minidock ui` in a throw-away host, and a headless Chromium in the same one, driven by puppeteer. The browser is
 * reached through a pipe, since its network is the host's.
 */
import { afterAll, beforeAll, beforeEach } from '@jest/globals';
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import puppeteer, { type Browser, type Page } from 'puppeteer-core';
import { useEngine, type TestEngine } from '../../support/engine.ts';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);

/** '' if there is a browser, else a reason to skip. */
export const missingBrowser = CHROMIUM === undefined ? 'no chromium' : '';

const MINIDOCK = join(import.meta.dirname, '../../../dist/minidock');
/** A change of the page wakes a wait, not a frame: there may be few of those on a busy machine. */
const WAIT = { timeout: 20_000, polling: 'mutation' } as const;

export interface TestPage {
  readonly page: Page;
  /** As printed, with its token. */
  readonly address: string;
  readonly ui: ChildProcessWithoutNullStreams;
  /** Text of an element; '' without one. */
  text(selector: string): Promise<string>;
  /** Waits for an element whose text matches. */
  see(selector: string, pattern: RegExp): Promise<void>;
  click(selector: string): Promise<void>;
  /** The element with exactly this text. */
  press(selector: string, words: string): Promise<void>;
  /** A command in the page's terminal, line by line where it has several (a here-document). */
  type(command: string): Promise<void>;
  /** Kept where MINIDOCK_SCREENSHOTS names a directory. */
  shot(name: string): Promise<void>;
}

/**
 * A host, a browser, one `minidock ui` and one page for a file of tests. Each test finds the page loaded anew; labs and
 * whatever else the server has go on.
 */
export function usePage(flags: readonly string[] = []): { engine: TestEngine; ui: () => TestPage } {
  let browser: Browser | undefined;
  let open: TestPage | undefined;
  // Before the engine's own hook, which proves that nothing has been left.
  afterAll(async () => {
    await browser?.close();
    if (open === undefined) return;
    const { ui } = open;
    const ended = new Promise((resolve) => ui.on('exit', resolve));
    ui.stdin.end();
    await ended;
  }, 60_000);
  const engine = useEngine();
  beforeAll(async () => {
    if (CHROMIUM === undefined) return;
    const [started, { ui, address }] = await Promise.all([launch(engine), serve(engine, flags)]);
    browser = started;
    const page = (await browser.pages())[0] ?? (await browser.newPage());
    await page.setViewport({ width: 1280, height: 720 });
    // Nothing waits for an animation, unless a test asks for one.
    await animate(page, false);
    open = describePage(page, address, ui);
  }, 60_000);
  beforeEach(async () => {
    await open?.page.goto(open.address, { waitUntil: 'domcontentloaded' });
    await open?.page.waitForSelector('#picture .box', WAIT);
  }, 60_000);
  const ui = (): TestPage => {
    if (open === undefined) throw new Error('the page is opened before the first test');
    return open;
  };
  return { engine, ui };
}

export const animate = (page: Page, on: boolean): Promise<void> =>
  page.emulateMediaFeatures([{ name: 'prefers-reduced-motion', value: on ? 'no-preference' : 'reduce' }]);

async function serve(
  { host }: TestEngine,
  flags: readonly string[],
): Promise<{ ui: ChildProcessWithoutNullStreams; address: string }> {
  const [program = '', ...enter] = host.enter();
  const ui = spawn(program, [...enter, MINIDOCK, 'ui', ...flags], { env: { ...process.env, ...host.env } });
  const address = await new Promise<string>((resolve, reject) => {
    let text = '';
    ui.stdout.on('data', (data: Buffer) => {
      text += data.toString();
      if (text.includes('\n')) resolve(text.trim());
    });
    ui.stderr.on('data', (data: Buffer) => (text += data.toString()));
    ui.on('exit', () => reject(new Error(`minidock ui has ended: ${text}`)));
  });
  return { ui, address };
}

function launch({ host }: TestEngine): Promise<Browser> {
  const [program = '', ...enter] = host.enter();
  return puppeteer.launch({
    executablePath: program.startsWith('/') ? program : whereIs(program),
    ignoreDefaultArgs: true,
    pipe: true,
    env: { ...process.env, HOME: host.dir },
    args: [
      ...enter,
      CHROMIUM ?? '',
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-crash-reporter',
      '--remote-debugging-pipe',
      '--no-first-run',
      `--user-data-dir=${join(host.dir, 'chromium')}`,
      'about:blank',
    ],
  });
}

const describePage = (page: Page, address: string, ui: ChildProcessWithoutNullStreams): TestPage => ({
  page,
  address,
  ui,
  text: (selector) => page.evaluate((words) => document.querySelector(words)?.textContent ?? '', selector),
  see: async (selector, { source, flags }) => {
    await page
      .waitForFunction(
        (words: string, pattern: string, how: string) =>
          [...document.querySelectorAll(words)].some((one) =>
            new RegExp(pattern, how).test(one.textContent ?? ''),
          ),
        WAIT,
        selector,
        source,
        flags,
      )
      .catch(async () => {
        const found = await page.evaluate((words) => document.querySelector(words)?.textContent, selector);
        const state = await page.evaluate(() => document.querySelector('#state')?.textContent);
        throw new Error(`${selector} never matched /${source}/; it is ${String(found)}; ${String(state)}`);
      });
  },
  click: async (selector) => {
    const found = await page.waitForSelector(`${selector}:not([aria-disabled=true])`, WAIT);
    await found?.evaluate((one) => (one as HTMLElement).click());
  },
  press: async (selector, words) => {
    await page.waitForFunction(
      (where: string, text: string) => {
        const found = [...document.querySelectorAll(where)].find((one) => one.textContent === text);
        (found as HTMLElement | undefined)?.click();
        return found !== undefined;
      },
      WAIT,
      selector,
      words,
    );
  },
  type: async (command) => {
    await page.focus('.shell-holder:not([hidden]) textarea');
    for (const line of command.split('\n')) {
      // All at once, as a paste is: keys cost a frame each.
      if (line !== '') await page.keyboard.sendCharacter(line);
      await page.keyboard.press('Enter');
    }
  },
  shot: async (name) => {
    const folder = process.env['MINIDOCK_SCREENSHOTS'];
    if (folder === undefined) return;
    mkdirSync(folder, { recursive: true });
    for (const [width, height] of SIZES) {
      await page.setViewport({ width, height });
      await page.evaluate(() =>
        Promise.allSettled(document.getAnimations().map((animation) => animation.finished)),
      );
      await page.screenshot({ path: join(folder, `${name}-${String(width)}.png`) });
    }
    await page.setViewport({ width: 1280, height: 720 });
  },
});

/** The smallest, a usual one, a projector's. */
const SIZES = [
  [1280, 720],
  [1680, 1050],
  [2560, 1440],
] as const;

const whereIs = (program: string): string =>
  spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program], { encoding: 'utf8' }).stdout.trim();
