/** Applying, journalling and undoing, with real but harmless commands in a temporary directory. */
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { applySteps } from '../../../../runtime/plan/apply.ts';
import { StepError } from '../../../../runtime/plan/step-error.ts';
import type { HostCommand } from '../../../../runtime/plan/command.ts';
import { Journal } from '../../../../runtime/plan/journal.ts';
import { CommandError, holds, performHostCommand } from '../../../../runtime/plan/perform-host.ts';
import { stepTimes, type StepTime } from '../../../../runtime/plan/step-span.ts';
import type { HostStep, Undo } from '../../../../runtime/plan/step.ts';
import { describeUndo, undoJournal } from '../../../../runtime/plan/undo.ts';
import { listenToTrace } from '../../../../runtime/trace.ts';

let dir: string;
let journal: Journal;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'minidock-test-'));
  journal = new Journal(join(dir, 'journal'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const file = (name: string): string => join(dir, name);
const run = (...argv: readonly [string, ...string[]]): HostCommand => ({ kind: 'run', argv });
const undoBy = (command: HostCommand): Undo => ({ kind: 'command', command });
function step(id: string, command: HostCommand, undo: Undo, more: Partial<HostStep> = {}): HostStep {
  return {
    id,
    section: 'bridge',
    title: `Do ${id}`,
    why: 'For the test.',
    without: 'No test.',
    command,
    undo,
    ...more,
  };
}
/** Makes a file, and removes it again. */
const touch = (id: string, more: Partial<HostStep> = {}): HostStep =>
  step(id, run('touch', file(id)), undoBy(run('rm', file(id))), more);
const made = (): readonly string[] => readdirSync(dir).filter((name) => name !== 'journal');

async function stepsToldBy(work: () => Promise<void>): Promise<readonly StepTime[]> {
  const told: StepTime[] = [];
  const stop = listenToTrace((event) => void told.push(...stepTimes(event)));
  await work().finally(stop);
  return told;
}

describe('apply', () => {
  test('performs in order, reports each, and lists what to undo', async () => {
    const told = await stepsToldBy(() => applySteps([touch('a'), touch('b')], { journal }));
    expect(told.map(({ id, outcome, ms }) => `${outcome} ${id} ${String(ms > 0)}`)).toEqual([
      'done a true',
      'done b true',
    ]);
    expect(made()).toEqual(['a', 'b']);
    expect(journal.read().map(({ id }) => id)).toEqual(['a', 'b']);
  });

  test('the journal has a step before it is performed', async () => {
    const copy = step('copy', run('cp', journal.path, file('seen')), undoBy(run('rm', file('seen'))));
    await applySteps([copy], { journal });
    expect(readFileSync(file('seen'), 'utf8')).toContain('"id":"copy"');
  });

  test('what is there already is neither performed nor undone', async () => {
    writeFileSync(file('there'), 'mine');
    const there = touch('there', { check: { kind: 'path-exists', path: file('there') } });
    const told = await stepsToldBy(() => applySteps([there, touch('new')], { journal }));
    expect(told.map(({ outcome }) => outcome)).toEqual(['already', 'done']);
    await undoJournal(journal);
    expect(made()).toEqual(['there']);
  });

  test('shared steps are performed and never undone', async () => {
    const shared = step('shared', run('touch', file('shared')), { kind: 'shared', why: 'Serves all.' });
    await applySteps([shared, touch('own')], { journal });
    await undoJournal(journal);
    expect(made()).toEqual(['shared']);
  });

  test('of kernel files written together, the one that fails is named, and those before it are there', async () => {
    const write = (id: string, path: string): HostStep =>
      step(id, { kind: 'write', path, text: id }, undoBy(run('rm', path)));
    const steps = [write('a', file('a')), write('bad', file('none/bad')), write('never', file('never'))];
    await expect(applySteps(steps, { journal })).rejects.toMatchObject({ step: 'bad', code: 'STEP_FAILED' });
    expect(made()).toEqual(['a']);
    expect((await undoJournal(journal)).undone).toContain('a');
    expect(made()).toEqual([]);
  });

  test('of commands folded into one process, the one that fails is named', async () => {
    const show = (name: string): HostStep =>
      step(name, run('ip', 'link', 'show', 'dev', name), undoBy(run('true')));
    await expect(applySteps([show('lo'), show('nosuch0')], { journal })).rejects.toMatchObject({
      step: 'nosuch0',
      message: expect.stringMatching(/^step nosuch0 .*ip link show dev nosuch0/s),
    });
  });

  test('a step that fails stops it, is named, and what was done is still listed', async () => {
    const bad = step('bad', run('ls', file('no-such')), undoBy(run('true')));
    const failure = await applySteps([touch('a'), bad, touch('never')], { journal }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(StepError);
    expect((failure as StepError).message).toMatch(/^step bad \(Do bad\) failed: ls .*no-such.*No such file/);
    expect(failure).toMatchObject({ step: 'bad', exitCode: 125, code: 'STEP_FAILED' });
    expect(journal.read().map(({ id }) => id)).toEqual(['a', 'bad']);
    expect(await undoJournal(journal)).toEqual({ undone: ['bad', 'a'], failures: [] });
    expect(made()).toEqual([]);
    expect(existsSync(journal.path)).toBe(false);
  });

  test('a shared step that someone else did meanwhile has not failed', async () => {
    // The check fails at first; the command fails too, but leaves what the check looks for.
    const raced = step(
      'raced',
      run('sh', '-c', `touch ${file('raced')}; exit 1`),
      { kind: 'shared', why: 'Serves all.' },
      { check: { kind: 'run', argv: ['test', '-e', file('raced')] } },
    );
    await applySteps([raced], { journal });
    const lost = step('lost', run('false'), raced.undo, { check: { kind: 'run', argv: ['false'] } });
    await expect(applySteps([lost], { journal })).rejects.toThrow(/step lost/);
  });

  test('faults are injected where asked for, also into steps that would have been left out', async () => {
    writeFileSync(file('there'), '');
    const steps = [
      touch('a'),
      touch('there', { check: { kind: 'path-exists', path: file('there') } }),
      touch('b'),
    ];
    for (const failAt of ['a', 'there', 'b']) {
      await expect(applySteps(steps, { journal, failAt })).rejects.toThrow(
        new RegExp(`^step ${failAt} .*failure injected`),
      );
      await undoJournal(journal);
    }
  });

  test('a missing program is named, with its package', async () => {
    const path = process.env['PATH'];
    process.env['PATH'] = dir;
    try {
      await expect(performHostCommand(run('nft', 'list'))).rejects.toMatchObject({
        code: 'TOOL_MISSING',
        message: 'nft: command not found',
        hint: "Install the package 'nftables' and try again.",
      });
    } finally {
      process.env['PATH'] = path;
    }
  });
});

describe('journal and undo', () => {
  test('goes on past errors and reports them all; the journal stays', async () => {
    const stubborn = (id: string): HostStep =>
      step(id, run('true'), undoBy(run('sh', '-c', `echo ${id} is busy >&2; exit 1`)));
    await applySteps([touch('a'), stubborn('x'), touch('b'), stubborn('y')], { journal });
    const report = await undoJournal(journal);
    expect(report.undone).toEqual(['b', 'a']);
    expect(report.failures.map(({ id }) => id)).toEqual(['y', 'x']);
    expect(report.failures[0]?.message).toContain('y is busy');
    expect(describeUndo(report)).toMatch(/^undone as far as possible; left behind: y \(.*\); x \(.*\)$/s);
    expect(made()).toEqual([]);
    expect(journal.read()).toHaveLength(4);
  });

  test('what is gone already counts as undone', async () => {
    await applySteps([touch('a')], { journal });
    rmSync(file('a'));
    expect(await undoJournal(journal)).toEqual({ undone: ['a'], failures: [] });
  });

  test('what another step’s undo frees is listed without a command', async () => {
    const freed = step('freed', run('true'), { kind: 'freedBy', step: 'a' });
    await applySteps([touch('a'), freed], { journal });
    expect(journal.read()).toEqual([{ id: 'a', undo: run('rm', file('a')) }, { id: 'freed' }]);
    expect((await undoJournal(journal)).undone).toEqual(['freed', 'a']);
  });

  test('a line cut short by a crash is left out', async () => {
    await applySteps([touch('a')], { journal });
    appendFileSync(journal.path, '{"id":"torn","undo":{"ki');
    expect(journal.damage).toBeUndefined();
    expect(journal.read().map(({ id }) => id)).toEqual(['a']);
  });

  test('no journal: nothing to undo', async () => {
    expect(await undoJournal(journal)).toEqual({ undone: [], failures: [] });
    expect(describeUndo({ undone: [], failures: [] })).toBe('nothing had been changed');
    expect(describeUndo({ undone: ['a'], failures: [] })).toBe('undone: everything done so far');
  });
});

describe('single commands', () => {
  test('write is one write without a newline', async () => {
    await performHostCommand({ kind: 'write', path: file('knob'), text: '1' });
    expect(readFileSync(file('knob'), 'utf8')).toBe('1');
    const failure = await performHostCommand({ kind: 'write', path: file('no/knob'), text: '1' }).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(CommandError);
    expect((failure as Error).message).toMatch(/^echo 1 > .*no\/knob: ENOENT/);
  });

  test('mkdir tolerates what is there; rmdir what is empty', async () => {
    const path = file('group/below');
    await performHostCommand({ kind: 'mkdir', path, mode: 0o755 });
    await performHostCommand({ kind: 'mkdir', path, mode: 0o755 });
    await performHostCommand({ kind: 'rmdir', path });
    expect(existsSync(path)).toBe(false);
    await expect(performHostCommand({ kind: 'rmdir', path })).rejects.toThrow(/ENOENT/);
  });

  test('input reaches the program, its words reach the error', async () => {
    await performHostCommand({ kind: 'run', argv: ['sh', '-c', `cat >${file('in')}`], input: 'one\ntwo\n' });
    expect(readFileSync(file('in'), 'utf8')).toBe('one\ntwo\n');
    await expect(performHostCommand(run('sh', '-c', 'echo whatever >&2; exit 3'))).rejects.toThrow(
      /whatever/,
    );
    await expect(performHostCommand(run('false'))).rejects.toThrow(/false: failed without a word/);
  });

  test('checks', async () => {
    writeFileSync(file('knob'), 'a 1\nb 2\n');
    expect(await holds({ kind: 'path-exists', path: file('knob') })).toBe(true);
    expect(await holds({ kind: 'path-exists', path: file('none') })).toBe(false);
    expect(await holds({ kind: 'file-contains', path: file('knob'), text: 'b 2\n' })).toBe(true);
    expect(await holds({ kind: 'file-contains', path: file('knob'), text: 'c' })).toBe(false);
    expect(await holds({ kind: 'file-contains', path: file('none'), text: '' })).toBe(false);
    expect(await holds({ kind: 'run', argv: ['true'] })).toBe(true);
    expect(await holds({ kind: 'run', argv: ['false'] })).toBe(false);
    expect(await holds({ kind: 'run', argv: ['no-such-program-here'] })).toBe(false);
  });
});
