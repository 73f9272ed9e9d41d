/** The terminals: tabs of xterm.js, each at a WebSocket of its own. */
import { FitAddon } from '@xterm/addon-fit';
import { Terminal } from '@xterm/xterm';
import type { SceneId } from '../messages.ts';
import { fill, h } from './dom.ts';

interface Tab {
  readonly name: string;
  readonly at: SceneId;
  readonly terminal: Terminal;
  readonly fit: FitAddon;
  readonly socket: WebSocket;
  readonly holder: HTMLElement;
}

const DARK = { background: '#14181d', foreground: '#dfe5ea', cursor: '#ffb454' };

export class Terminals {
  private readonly tabs: Tab[] = [];
  private shown: Tab | undefined;
  private count = 0;
  /** Lines as elements that a screen reader finds. Not always: xterm.js then takes no text but from keys. */
  private isRead = false;

  constructor(
    private readonly bar: HTMLElement,
    private readonly body: HTMLElement,
    /** Where a new terminal opens; undefined if nowhere. */
    private readonly at: () => SceneId | undefined,
  ) {
    new ResizeObserver(() => this.fitShown()).observe(body);
    this.drawBar();
  }

  /** At least one terminal in a lab. */
  ensure(at: SceneId, focus: boolean): void {
    const known = this.tabs.find((tab) => tab.at === at);
    if (known === undefined) this.open(at, focus);
    else this.show(known, focus);
  }

  closeAll(at: SceneId): void {
    for (const tab of this.tabs.filter((one) => one.at === at)) this.close(tab);
  }

  type(text: string): void {
    this.shown?.socket.send(new TextEncoder().encode(text));
    this.shown?.terminal.focus();
  }

  private open(at: SceneId, focus: boolean): void {
    const holder = h('div', { class: 'shell-holder' });
    this.body.append(holder);
    const terminal = new Terminal({
      fontFamily: "'DejaVu Sans Mono', 'Liberation Mono', Menlo, monospace",
      fontSize: window.innerWidth > 2200 ? 19 : 14,
      theme: DARK,
      cursorBlink: false,
      scrollback: 5000,
      screenReaderMode: this.isRead,
    });
    const fit = new FitAddon();
    terminal.loadAddon(fit);
    terminal.open(holder);
    const socket = new WebSocket(
      `ws://${location.host}${location.pathname}terminal?at=${encodeURIComponent(at)}`,
    );
    socket.binaryType = 'arraybuffer';
    this.count += 1;
    const tab: Tab = { name: `${at} ${this.count}`, at, terminal, fit, socket, holder };
    socket.addEventListener('open', () => this.fitShown());
    socket.addEventListener('message', ({ data }) => terminal.write(new Uint8Array(data as ArrayBuffer)));
    socket.addEventListener('close', ({ reason }) =>
      terminal.write(`\r\n[${reason || 'The connection is closed'}]\r\n`),
    );
    const keys = new TextEncoder();
    terminal.onData((text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(keys.encode(text));
    });
    terminal.onResize(({ cols, rows }) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(`${cols} ${rows}`);
    });
    terminal.textarea?.setAttribute('aria-label', `Terminal ${tab.name}; F6 leaves it`);
    this.tabs.push(tab);
    this.show(tab, focus);
  }

  private show(tab: Tab | undefined, focus: boolean): void {
    this.shown = tab;
    for (const one of this.tabs) one.holder.hidden = one !== tab;
    this.drawBar();
    this.fitShown();
    if (focus) tab?.terminal.focus();
  }

  private close(tab: Tab): void {
    const hadFocus = tab.holder.contains(document.activeElement);
    tab.socket.close();
    tab.terminal.dispose();
    tab.holder.remove();
    this.tabs.splice(this.tabs.indexOf(tab), 1);
    this.show(this.tabs.at(-1), hadFocus);
    if (hadFocus && this.tabs.length === 0) this.bar.querySelector('button')?.focus();
  }

  private fitShown(): void {
    const { shown } = this;
    if (shown === undefined || shown.holder.clientWidth === 0) return;
    shown.fit.fit();
    const { cols, rows } = shown.terminal;
    if (shown.socket.readyState === WebSocket.OPEN) shown.socket.send(`${cols} ${rows}`);
  }

  private drawBar(): void {
    fill(
      this.bar,
      ...this.tabs.map((tab) =>
        h(
          'span',
          { class: tab === this.shown ? 'tab shown' : 'tab' },
          h(
            'button',
            { click: () => this.show(tab, true), 'aria-pressed': String(tab === this.shown) },
            tab.name,
          ),
          h('button', { click: () => this.close(tab), 'aria-label': `Close ${tab.name}` }, '×'),
        ),
      ),
      h(
        'button',
        {
          class: 'new-terminal',
          title: 'Another terminal',
          click: () => {
            const at = this.at();
            if (at !== undefined) this.open(at, true);
          },
        },
        '+ terminal',
      ),
      h(
        'button',
        {
          ...{
            'aria-pressed': String(this.isRead),
            'data-act': 'read',
            title: 'Lets a screen reader read the terminals',
          },
          click: () => {
            this.isRead = !this.isRead;
            for (const { terminal } of this.tabs) terminal.options.screenReaderMode = this.isRead;
            this.drawBar();
          },
        },
        'Screen reader',
      ),
      h('span', { class: 'quiet' }, 'F6 leaves it'),
    );
  }
}
