/** The page by keyboard alone: keys, and what has the focus. */
import type { KeyInput } from 'puppeteer-core';
import type { TestPage } from './browser.ts';

/** No page has more stops than that. */
const MOST_STOPS = 150;

export interface Keyboard {
  press(...keys: readonly KeyInput[]): Promise<void>;
  /** With Shift held. */
  shift(key: KeyInput): Promise<void>;
  /** Name, or text, of what has the focus. */
  focused(): Promise<string>;
  hasFocus(selector: string): Promise<boolean>;
  /** Waits until that has the focus. */
  focusOn(selector: string): Promise<void>;
  /** Presses Tab until that has the focus. */
  tabTo(selector: string, words?: string): Promise<void>;
}

export function keyboardOf(ui: () => TestPage): Keyboard {
  const press = async (...keys: readonly KeyInput[]): Promise<void> => {
    for (const key of keys) await ui().page.keyboard.press(key);
  };
  const hasFocus = (selector: string): Promise<boolean> =>
    ui().page.evaluate((words) => document.activeElement?.matches(words) === true, selector);
  const focused = (): Promise<string> =>
    ui().page.evaluate(
      () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '',
    );
  return {
    press,
    hasFocus,
    focused,
    shift: async (key) => {
      await ui().page.keyboard.down('Shift');
      await press(key);
      await ui().page.keyboard.up('Shift');
    },
    focusOn: async (selector) => {
      await ui()
        .page.waitForFunction(
          (words) => document.activeElement?.matches(words) === true,
          { timeout: 10_000 },
          selector,
        )
        .catch(async () => {
          throw new Error(`the focus never came to ${selector}; it is on "${await focused()}"`);
        });
    },
    tabTo: async (selector, words) => {
      for (let stop = 0; stop < MOST_STOPS; stop++) {
        if ((await hasFocus(selector)) && (words === undefined || (await focused()) === words)) return;
        await press('Tab');
      }
      throw new Error(`Tab never came to ${selector} ${words ?? ''}; it is on "${await focused()}"`);
    },
  };
}
