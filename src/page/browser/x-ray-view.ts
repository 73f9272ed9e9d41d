/**
 * A container seen through: processes with both numberings, namespaces as rings, capabilities as bits, seccomp, gauges
 * of its control group that tick, layers, mounts, descriptors. The answer may come from a lab: every field is looked at.
 */
import { command, fill, h, sign, svg, unseen } from './dom.ts';

const TICK_MS = 1000;
let timer: number | undefined;

export function drawXRay(body: HTMLElement, answer: unknown, again: () => Promise<unknown>): void {
  window.clearInterval(timer);
  const x = new Reader(answer);
  const view = x.at('view');
  const gauges = h('div', { class: 'gauges' });
  fill(
    body,
    h('h2', { tabindex: '-1' }, `X-ray of ${x.text('name')}`, h('small', {}, ` ${x.text('image')}`)),
    h('h3', { class: 'minor' }, 'Control group, live'),
    gauges,
    h('p', { class: 'quiet' }, dockerWords(x.at('docker'))),
    h('h3', { class: 'minor' }, 'Processes'),
    processes(view),
    h('h3', { class: 'minor' }, 'Namespaces'),
    rings(view),
    h('h3', { class: 'minor' }, 'Capabilities'),
    h(
      'p',
      { class: 'quiet' },
      Object.values(BITS)
        .map((bit) => `${bit.sign} ${bit.words}`)
        .join(', '),
    ),
    capabilities(x),
    h('h3', { class: 'minor' }, 'System calls'),
    h('p', {}, seccomp(x)),
    h('h3', { class: 'minor' }, 'Layers, bottom first'),
    layers(x),
    h('h3', { class: 'minor' }, 'Mounts'),
    list(
      x
        .list('mounts')
        .map((mount) => `${mount.text('point')}  ${mount.text('type')} ${mount.words('options').join(',')}`),
    ),
    h('h3', { class: 'minor' }, 'Descriptors of PID 1'),
    list(x.list('descriptors').map((one) => `${one.number('fd')} → ${one.text('leads')}`)),
    h('h3', { class: 'minor' }, 'Enter it'),
    command(view.text('EnterAll')),
  );
  let before = x.at('usage');
  drawGauges(gauges, before, before, x.at('docker'));
  timer = window.setInterval(() => {
    if (!gauges.isConnected || body.hidden) {
      window.clearInterval(timer);
      return;
    }
    again().then(
      (now) => {
        const usage = new Reader(now).at('usage');
        drawGauges(gauges, usage, before, x.at('docker'));
        before = usage;
      },
      () => window.clearInterval(timer),
    );
  }, TICK_MS);
}

/** JSON of unknown shape. */
class Reader {
  constructor(private readonly value: unknown) {}

  at(key: string): Reader {
    const { value } = this;
    const found =
      typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
    return new Reader(found);
  }

  text(key: string): string {
    const found = this.at(key).value;
    return typeof found === 'string' || typeof found === 'number' ? String(found) : '';
  }

  number(key: string): number {
    return Number(this.at(key).value) || 0;
  }

  is(key: string): boolean {
    return this.at(key).value === true;
  }

  list(key: string): readonly Reader[] {
    const found = this.at(key).value;
    return Array.isArray(found) ? found.map((one) => new Reader(one)) : [];
  }

  words(key: string): readonly string[] {
    const found = this.at(key).value;
    return Array.isArray(found) ? found.map(String) : [];
  }
}

function drawGauges(body: HTMLElement, now: Reader, before: Reader, docker: Reader): void {
  const elapsed = now.number('at') - before.number('at');
  const cpu = elapsed <= 0 ? 0 : (now.number('cpu') - before.number('cpu')) / elapsed;
  const memory = now.number('memory');
  const limit = now.number('memoryLimit');
  const pids = now.number('pids');
  const most = docker.number('PidsLimit');
  fill(
    body,
    gauge('Memory', `${size(memory)} of ${size(limit)}`, limit === 0 ? 0 : memory / limit),
    gauge('Processor', `${(cpu * 100).toFixed(1)} %`, cpu),
    gauge('Processes', most > 0 ? `${pids} of ${most}` : String(pids), most > 0 ? pids / most : pids / 100),
  );
}

/** The limits under Docker's names. */
function dockerWords(docker: Reader): string {
  const words = ['Memory', 'MemorySwap', 'NanoCpus', 'CpuShares', 'PidsLimit', 'NetworkMode', 'UsernsMode'];
  const set = words.filter((word) => !['', '0'].includes(docker.text(word)));
  const flags = ['Privileged', 'ReadonlyRootfs', 'Init'].filter((word) => docker.is(word));
  const lists = ['CapAdd', 'CapDrop', 'SecurityOpt'].filter((word) => docker.words(word).length > 0);
  return [
    ...set.map((word) => `${word} ${docker.text(word)}`),
    ...flags,
    ...lists.map((word) => `${word} ${docker.words(word).join(',')}`),
  ].join(', ');
}

function gauge(name: string, words: string, part: number): HTMLElement {
  const bar = h('meter', { min: '0', max: '1', 'aria-label': `${name}: ${words}` });
  bar.value = Math.max(0, Math.min(1, part));
  return h('div', { class: 'gauge' }, h('span', {}, name), bar, h('span', {}, words));
}

function processes(view: Reader): HTMLElement {
  const rows = view
    .list('Processes')
    .map((one) =>
      h(
        'tr',
        {},
        h('td', {}, one.text('Pid')),
        h('td', {}, one.number('InnerPid') === 0 ? '–' : one.text('InnerPid')),
        h('td', {}, one.text('Role')),
        h('td', { title: one.text('Command') }, shortened(one.text('Command'))),
      ),
    );
  const heads = ['on the host', 'inside', 'role', 'command'].map((word) => h('th', { scope: 'col' }, word));
  return h('table', { class: 'processes' }, h('tr', {}, ...heads), ...rows);
}

/** A shim has its whole state in its words. */
const shortened = (words: string): string => (words.length > 60 ? `${words.slice(0, 60)}…` : words);

/** One ring for each namespace; those shared with the host are dashed. */
function rings(view: Reader): HTMLElement {
  const all = view.list('Namespaces');
  const picture = svg('svg', {
    viewBox: '-130 -130 260 260',
    class: 'rings',
    role: 'img',
    'aria-label': 'Namespaces as rings',
  });
  for (const [index, one] of all.entries()) {
    const radius = 125 - index * 14;
    const shared = one.is('Shared');
    picture.append(svg('circle', { r: radius, class: shared ? 'ring shared' : 'ring' }));
    const label = svg('text', { y: -radius + 10, class: 'ring-label' });
    label.textContent = one.text('Type');
    picture.append(label);
  }
  const rows = all.map((one) => {
    const others = one.words('With');
    const state = one.is('Shared') ? 'the host’s' : others.length > 0 ? `with ${others.join(', ')}` : 'own';
    return h('li', {}, h('b', {}, one.text('Type')), ` ${one.text('Inode')} ${state}`);
  });
  const holder = h('div', { class: 'ring-holder' });
  holder.append(picture, h('ul', {}, ...rows));
  return holder;
}

const BITS = {
  on: { sign: '●', words: 'has it' },
  may: { sign: '○', words: 'may get it' },
  off: { sign: '×', words: 'can never get it' },
} as const;

function capabilities(x: Reader): HTMLElement {
  const own = x.at('capabilities');
  const effective = new Set(own.words('effective'));
  const bounding = new Set(own.words('bounding'));
  return h(
    'div',
    { class: 'bits' },
    ...own.words('all').map((name) => {
      const state = effective.has(name) ? 'on' : bounding.has(name) ? 'may' : 'off';
      return h(
        'span',
        { class: `bit ${state}`, title: `${name}: ${BITS[state].words}` },
        sign(`${BITS[state].sign} `),
        unseen(`${BITS[state].words}: `),
        name.replace(/^CAP_/, '').toLowerCase(),
      );
    }),
  );
}

function seccomp(x: Reader): string {
  const { mode, filters } = {
    mode: x.at('seccomp').number('mode'),
    filters: x.at('seccomp').number('filters'),
  };
  const rights = x.is('noNewPrivileges') ? ' It cannot gain privileges (no_new_privs).' : '';
  return (
    (mode === 2
      ? `A filter decides on each system call (${Math.max(1, filters)} installed).`
      : 'No filter: every system call is allowed.') + rights
  );
}

function layers(x: Reader): HTMLElement {
  const all = x.list('layers');
  const most = Math.max(1, ...all.map((one) => one.number('adds')));
  return h(
    'ol',
    { class: 'layers' },
    ...all.map((one) => {
      const hides = one.words('hides');
      const bar = h('meter', {
        min: '0',
        max: '1',
        'aria-label': `${one.text('title')} adds ${size(one.number('adds'))}`,
      });
      bar.value = one.number('adds') / most;
      return h(
        'li',
        {},
        h('b', {}, one.text('title')),
        ` ${one.number('files')} files, adds ${size(one.number('adds'))}, hides ${hides.length}, wastes ${size(one.number('wastes'))}`,
        bar,
        hides.length === 0 ? undefined : h('details', {}, h('summary', {}, 'hidden'), list(hides)),
      );
    }),
  );
}

const list = (lines: readonly string[]): HTMLElement =>
  h('ul', { class: 'plain' }, ...lines.map((line) => h('li', {}, line)));

function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit] ?? ''}`;
}
