/** The lab's shell at a terminal: what is typed there, by the short words that only that shell knows. */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { createHost, type TestHost } from '../../support/host/host.ts';
import { openScreen } from '../../support/host/screen.ts';

let host: TestHost;
beforeAll(async () => {
  host = await createHost();
});
afterAll(async () => {
  await host.dispose();
});

/** The shell of the lab waits on an otherwise empty last line. */
const WAITS = /\nlab:cable:\/#$/;

test('start opens it; check, hint, show, reset and end are typed in it, and then one is back on the machine', async () => {
  const before = await host.snapshot();
  const screen = await openScreen(host, 100, 200);
  const said = async (line: string, pattern: RegExp): Promise<void> => {
    await screen.enter('clear');
    await screen.see(/^lab:cable:\/#$/);
    await screen.enter(line);
    expect(await screen.see(WAITS)).toMatch(pattern);
  };
  await screen.enter('minidock lab start cable');
  expect(await screen.see(WAITS)).toMatch(/Step 1 of 7/);
  await said('check; echo "status $?"', /\[ \] there are two links.*Not yet.*status 1$/ms);
  await said('hint', /^Hint 1: /m);
  await said('hint', /^Hint 2: /m);
  await said('show', /\$ ip link add veth-red type veth peer name veth-blue/);
  await said(
    'ip link add veth-red type veth peer name veth-blue; check',
    /\[x\] there are two links.*Step 2 of 7/s,
  );
  await said(
    'minidock lab start host',
    /this shell is in the lab cable already\n"end" removes.*minidock lab start host/s,
  );
  await screen.enter('clear; reset');
  await screen.see(/Step 1 of 7[^]*\nlab:cable:\/#$/);
  await said('ip link show veth-red', /does not exist/);
  // A terminal of the lab's own: its name leads to it, from inside.
  await said('tty; echo "by name" >/dev/stderr', /^\/dev\/pts\/0\nby name$/m);
  await said('minidock lab show | tail -n 1; test -t 0 && echo "at a terminal"', /^at a terminal$/m);
  // It can be left and entered again, with everything in it as it was.
  await said('touch /tmp/mine', /touch/);
  await screen.enter('exit');
  await screen.see(/The lab cable keeps running.*\nhost\$$/s);
  await screen.enter('minidock lab enter');
  await screen.see(WAITS);
  await said('ls /tmp', /^mine$/m);
  await screen.enter('clear; end');
  await screen.see(/The lab cable is gone.*\nhost\$$/s);
  await screen.close();
  expect(await host.snapshot()).toEqual(before);
}, 60_000);

test('on a small screen the check keeps its words on it, and past the last step tells where to go on', async () => {
  const screen = await openScreen(host, 80, 30);
  await screen.enter('minidock lab start host');
  const waits = /\nlab:host:\/#$/;
  await screen.see(waits);
  await screen.enter('clear');
  await screen.enter('ip link add veth-host type veth peer name veth-ns netns red');
  await screen.enter('check');
  const passed = await screen.see(/Step 2 of 2[^]*\nlab:host:\/#$/);
  expect(passed).toMatch(/\[x\] veth-host[^]*After:[^]*\+ this host: veth-host is down[^]*Step 2 of 2/);
  expect(passed).not.toContain('Before:');
  await screen.enter('clear; next');
  expect(await screen.see(/All 2 steps[^]*\nlab:host:\/#$/)).toMatch(
    /end removes this lab.*minidock lab start masquerade/s,
  );
  await screen.enter('clear; end');
  await screen.see(/The lab host is gone[^]*\nhost\$$/);
  await screen.enter('clear; minidock lab');
  expect(await screen.see(/Just to watch[^]*\nhost\$$/)).toMatch(/Go on with: minidock lab start/);
  await screen.close();
}, 60_000);
