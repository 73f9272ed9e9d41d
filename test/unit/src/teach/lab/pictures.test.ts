/** Which pictures stand around a step, and that what changed is found wherever its box has moved to. */
import { expect, test } from '@jest/globals';
import { picturesText } from '../../../../../src/teach/lab/pictures.ts';
import { noColors } from '../../../../../src/ui/colors.ts';

const style = { width: 80, colors: noColors };

const BEFORE = `╔ this host ══ net:[1] ╗
║ lo    #1  127.0.0.1/8 ║
║ veth0 #3  DOWN        ║
╚═══════════════════════╝
`;
const AFTER = `╔ this host ══ net:[1] ╗    ┌ red ── net:[2] ┐
║ lo #1  127.0.0.1/8   ║    │ veth0 #3  DOWN │
╚══════════════════════╝    └────────────────┘
`;

test('both, where nothing scrolls away or the screen is high enough', () => {
  for (const rows of [0, 60]) {
    expect(picturesText(BEFORE, AFTER, rows, style)).toBe(`\nBefore:\n${BEFORE}\nAfter:\n${AFTER}`);
  }
});

test('one and what changed, where two do not fit', () => {
  expect(picturesText(BEFORE, AFTER, 20, style)).toBe(
    `\nAfter:\n${AFTER}\nChanged since before:\n  - this host: veth0 #3 DOWN\n  + red:\n  + red: veth0 #3 DOWN\n`,
  );
});

test('a picture that stays as it was is not drawn again', () => {
  expect(picturesText(AFTER, AFTER, 60, style)).not.toContain('║');
});
