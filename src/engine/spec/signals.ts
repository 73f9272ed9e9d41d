/** Signal names and numbers as Docker's flags take them: 'SIGTERM', 'term', '15', 'RTMIN+3'. */
import { MinidockError } from '../../../runtime/errors.ts';

const SIGRTMIN = 34;
const SIGRTMAX = 64;

/** As any kill takes it behind -s: 'TERM', and '37' of those that have no name of their own. */
export function signalName(number: number): string {
  const names = Object.entries(process.getBuiltinModule('node:os').constants.signals);
  return names.find(([, value]) => value === number)?.[0].replace(/^SIG/, '') ?? String(number);
}

/** @throws MinidockError 'INVALID_SIGNAL'. */
export function parseSignal(text: string): number {
  if (/^\d+$/.test(text)) {
    const number = Number(text);
    if (number >= 1 && number <= SIGRTMAX) return number;
  }
  const name = text.toUpperCase().replace(/^SIG/, '');
  const known = (process.getBuiltinModule('node:os').constants.signals as Readonly<Record<string, number>>)[
    `SIG${name}`
  ];
  if (known !== undefined) return known;
  const realtime = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(name);
  if (realtime !== null) {
    const offset = Number(realtime[3] ?? 0) * (realtime[2] === '-' ? -1 : 1);
    const number = (realtime[1] === 'MIN' ? SIGRTMIN : SIGRTMAX) + offset;
    if (number >= SIGRTMIN && number <= SIGRTMAX) return number;
  }
  throw new MinidockError({ code: 'INVALID_SIGNAL', message: `invalid signal: ${text}` });
}
