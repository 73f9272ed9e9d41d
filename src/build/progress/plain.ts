/** BuildKit's plain view: each line begins with the number of its instruction, output with the time since it began. */
import type { BuildEvent, View } from './report.ts';

interface Shown {
  readonly begin: number;
  rest: string;
}

export function plainView(write: (text: string) => void): View {
  const open = new Map<number, Shown>();
  let last = 0;
  const line = (number: number, text: string): void => {
    if (last !== 0 && last !== number) write('\n');
    last = number;
    write(`#${String(number)} ${text}\n`);
  };
  const seconds = (ms: number, digits: number): string => (ms / 1000).toFixed(digits);
  return {
    event(event: BuildEvent) {
      const { number, name } = event.vertex;
      const shown = open.get(number);
      switch (event.type) {
        case 'started':
          open.set(number, { begin: event.time, rest: '' });
          line(number, name);
          break;
        case 'note':
          line(number, event.text);
          break;
        case 'output': {
          if (shown === undefined) return;
          const lines = (shown.rest + event.bytes.toString()).split('\n');
          shown.rest = lines.pop() ?? '';
          for (const text of lines) line(number, `${seconds(event.time - shown.begin, 3)} ${text}`);
          break;
        }
        case 'ended': {
          if (shown === undefined) return;
          if (shown.rest !== '') line(number, `${seconds(event.time - shown.begin, 3)} ${shown.rest}`);
          open.delete(number);
          if (event.how === 'cached') line(number, 'CACHED');
          else if (event.how === 'failed') line(number, `ERROR: ${event.error ?? ''}`);
          else line(number, `DONE ${seconds(event.time - shown.begin, 1)}s`);
        }
      }
    },
    finish: () => undefined,
  };
}
