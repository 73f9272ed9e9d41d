/** What `stats` reads, from control groups of both versions as the kernel writes them, and Docker's words for it. */
import { describe, expect, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { statsRow } from '../../../../../src/docker/stats-row.ts';
import { pick } from '../../../../../src/engine/look/processes.ts';
import { cpuPercent, parseInterfaces, readGroup, type Usage } from '../../../../../src/engine/look/usage.ts';
import { temporaryDirectory } from '../../../../support/temporary-directory.ts';

function treeOf(files: Readonly<Record<string, string>>): string {
  const dir = temporaryDirectory();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}

test('version 2', () => {
  const mount = treeOf({
    'g/cpu.stat': 'usage_usec 1500\nuser_usec 1000\n',
    'g/memory.current': '1000\n',
    'g/memory.stat': 'anon 100\ninactive_file 400\n',
    'g/memory.max': 'max\n',
    'g/io.stat':
      '8:0 rbytes=10 wbytes=20 rios=1 wios=1 dbytes=0 dios=0\n8:16 rbytes=1 wbytes=2 rios=1 wios=1\n',
    'g/pids.current': '7\n',
  });
  expect(readGroup({ version: 2, mount, controllers: [], swap: true }, '/g')).toEqual({
    ...{ cpu: 1_500_000, memory: 600, memoryLimit: Infinity, read: 11, written: 22, pids: 7 },
  });
});

test('version 1', () => {
  const dir = treeOf({
    'cpu/g/cpuacct.usage': '1500000\n',
    'memory/g/memory.usage_in_bytes': '1000\n',
    'memory/g/memory.stat': 'cache 1\ninactive_file 1\ntotal_inactive_file 400\n',
    'memory/g/memory.limit_in_bytes': '67108864\n',
    'blkio/g/blkio.throttle.io_service_bytes_recursive':
      '8:0 Read 10\n8:0 Write 20\n8:0 Total 30\n8:16 Read 1\nTotal 31\n',
    'pids/g/pids.current': '7\n',
  });
  const controllers = {
    cpuacct: `${dir}/cpu`,
    memory: `${dir}/memory`,
    blkio: `${dir}/blkio`,
    pids: `${dir}/pids`,
  };
  const layout = { version: 1 as const, controllers, swap: true, cpuset: { cpus: '0', mems: '0' } };
  expect(readGroup(layout, '/g')).toEqual({
    ...{ cpu: 1_500_000, memory: 600, memoryLimit: 67_108_864, read: 11, written: 20, pids: 7 },
  });
  expect(readGroup(layout, '/gone')).toMatchObject({ cpu: 0, memory: 0, pids: 0 });
});

test('interfaces, without lo', () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     500       5    0    0    0     0          0         0      500       5    0    0    0     0       0          0
  eth0:     144       2    0    0    0     0          0         0       90       1    0    0    0     0       0          0
  eth1:10 0 0 0 0 0 0 0 5 0 0 0 0 0 0 0
`;
  expect(parseInterfaces(text)).toEqual({ received: 154, sent: 95 });
  expect(parseInterfaces('')).toEqual({ received: 0, sent: 0 });
});

const usage: Usage = {
  ...{ cpu: 0, at: 0, memory: 600 * 1024, memoryLimit: 64 * 2 ** 20 },
  ...{ received: 144, sent: 90, read: 1_500_000, written: 0, pids: 3 },
};

describe('a row', () => {
  test('in Docker’s words', () => {
    const now = { ...usage, cpu: 1.5e9, at: 1e9 };
    expect(cpuPercent(usage, now)).toBe(150);
    expect(statsRow({ called: 'aa', id: 'f'.repeat(64), name: 'aa', now, before: usage }, false)).toEqual({
      BlockIO: '1.5MB / 0B',
      CPUPerc: '150.00%',
      Container: 'aa',
      ID: 'ffffffffffff',
      MemPerc: '0.92%',
      MemUsage: '600KiB / 64MiB',
      Name: 'aa',
      NetIO: '144B / 90B',
      PIDs: '3',
    });
  });

  test('of a container that does not run, or was started anew', () => {
    const row = statsRow(
      { called: 'aa', id: 'f'.repeat(64), name: 'aa', now: undefined, before: usage },
      true,
    );
    expect(row).toMatchObject({ CPUPerc: '0.00%', MemUsage: '0B / 0B', MemPerc: '0.00%', PIDs: '0' });
    expect(cpuPercent({ ...usage, cpu: 5 }, { ...usage, at: 1 })).toBe(0);
  });
});

test('of ps, the lines of the container, the last column with its spaces', () => {
  const text = '  PID CMD\n    7 sh -c  a\n   70 other\n    8 sleep 1\n';
  expect(pick(text, new Set([7, 8]))).toEqual({
    titles: ['PID', 'CMD'],
    rows: [
      ['7', 'sh -c a'],
      ['8', 'sleep 1'],
    ],
  });
  expect(() => pick('CMD\nsh\n', new Set([7]))).toThrow("Couldn't find PID field in ps output");
});
