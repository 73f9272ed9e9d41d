/** Against directories that look like control groups; the real ones are in test/kernel. */
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CgroupLayout } from '../../../../runtime/cgroup/detect.ts';
import {
  cgroupProcesses,
  cgroupProcsFiles,
  killCgroup,
  readOomKills,
} from '../../../../runtime/cgroup/processes.ts';

let root: string;
let v1: CgroupLayout;
let v2: CgroupLayout;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'minidock-cgroup-'));
  const controllers = {
    cpu: `${root}/cpu,cpuacct`,
    cpuacct: `${root}/cpu,cpuacct`,
    memory: `${root}/memory`,
  };
  v1 = { version: 1, controllers, swap: true, cpuset: { cpus: '0', mems: '0' } };
  v2 = { version: 2, mount: root, controllers: ['memory'], swap: true };
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function file(path: string, text: string): void {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), text);
}

test('one file to join by on version 2, one for each tree on version 1', () => {
  expect(cgroupProcsFiles('/minidock/x', v2)).toEqual([`${root}/minidock/x/cgroup.procs`]);
  expect(cgroupProcsFiles('/minidock/x', v1)).toEqual([
    `${root}/cpu,cpuacct/minidock/x/tasks`,
    `${root}/memory/minidock/x/tasks`,
  ]);
});

test('processes of groups below count', () => {
  file('minidock/x/cgroup.procs', '10\n11\n');
  file('minidock/x/inner/deep/cgroup.procs', '12\n');
  file('minidock/x/memory.max', 'max\n');
  expect(cgroupProcesses('/minidock/x', v2)).toEqual([10, 11, 12]);
  file('memory/minidock/x/cgroup.procs', '13\n');
  expect(cgroupProcesses('/minidock/x', v1)).toEqual([13]);
});

test('OOM kills', () => {
  file('minidock/x/memory.events', 'low 0\nhigh 0\nmax 91\noom 2\noom_kill 3\noom_group_kill 0\n');
  expect(readOomKills('/minidock/x', v2)).toBe(3);
  file('memory/minidock/x/memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 1\n');
  expect(readOomKills('/minidock/x', v1)).toBe(1);
});

test('a group that is gone has no processes and no OOM kills', async () => {
  for (const layout of [v1, v2]) {
    expect(cgroupProcesses('/minidock/x', layout)).toEqual([]);
    expect(readOomKills('/minidock/x', layout)).toBe(0);
    await killCgroup('/minidock/x', layout);
  }
});
