/** What a container uses as a row of `stats`, in Docker's words and units. */
import { cpuPercent, type Usage } from '../engine/look/usage.ts';
import { humanMemory, humanSize, shortId } from '../ui/human.ts';
import type { ListStyle, Row } from './rows.ts';

export const STATS_STYLE: ListStyle = {
  columns: {
    Container: 'CONTAINER',
    ID: 'CONTAINER ID',
    Name: 'NAME',
    CPUPerc: 'CPU %',
    MemUsage: 'MEM USAGE / LIMIT',
    MemPerc: 'MEM %',
    NetIO: 'NET I/O',
    BlockIO: 'BLOCK I/O',
    PIDs: 'PIDS',
  },
  defaultColumns: ['ID', 'Name', 'CPUPerc', 'MemUsage', 'MemPerc', 'NetIO', 'BlockIO', 'PIDs'],
  quietColumn: 'ID',
};

export interface Measured {
  /** As the user named it; its short id where all are shown. */
  readonly called: string;
  readonly id: string;
  readonly name: string;
  /** undefined: it does not run. */
  readonly now: Usage | undefined;
  readonly before: Usage | undefined;
}

export function statsRow({ called, id, name, now, before }: Measured, noTrunc: boolean): Row {
  const pair = (a: number | undefined, b: number | undefined, words: (bytes: number) => string): string =>
    `${words(a ?? 0)} / ${words(b ?? 0)}`;
  const share = now === undefined || now.memoryLimit === 0 ? 0 : (now.memory / now.memoryLimit) * 100;
  const cpu = now === undefined || before === undefined ? 0 : cpuPercent(before, now);
  return {
    BlockIO: pair(now?.read, now?.written, humanSize),
    CPUPerc: `${cpu.toFixed(2)}%`,
    Container: called,
    ID: noTrunc ? id : shortId(id),
    MemPerc: `${share.toFixed(2)}%`,
    MemUsage: pair(now?.memory, now?.memoryLimit, humanMemory),
    Name: name,
    NetIO: pair(now?.received, now?.sent, humanSize),
    PIDs: String(now?.pids ?? 0),
  };
}
