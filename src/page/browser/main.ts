/**
 * The page: which scene is looked at, and what of it stands where. The picture follows the scene; the panels around it
 * ask the server and draw its answers. Every name comes from outside and is text, never HTML (dom.ts).
 */
import { flightOf } from '../picture/packet.ts';
import {
  MACHINE,
  type LessonInfo,
  type LessonState,
  type SceneId,
  type SceneTell,
  type Tell,
} from '../messages.ts';
import { Details } from './details.ts';
import { byId, fill, h } from './dom.ts';
import { drawLessons, TaskPanel } from './lessons.ts';
import { Link } from './link.ts';
import { PacketView } from './packet-view.ts';
import type { Selection } from './picture.ts';
import { SceneView } from './scene-view.ts';
import { styleWithNonce } from './nonce.ts';
import { StageView } from './stage-view.ts';
import { Terminals } from './terminals.ts';
import { drawXRay } from './x-ray-view.ts';

const STAGE = 'stage';
type Panel = 'task' | 'details';

class Page {
  private at: SceneId = MACHINE;
  private lessons: readonly LessonInfo[] = [];
  private labs: readonly string[] = [];
  private actions = false;
  private lesson: LessonState | undefined;
  private readonly looked = new Set<SceneId>();
  private panel: Panel = 'task';
  private readonly link = new Link(
    (tell) => this.heard(tell),
    () => this.say('minidock ui has ended: this page no longer changes.', true),
  );
  private readonly view = new SceneView({
    selected: (selection) => this.select(selection),
    drawn: () => this.drawTask(),
  });
  private readonly packets = new PacketView(this.view.picture, byId('strip'), () => this.view.shown);
  private readonly terminals = new Terminals(byId('tabs'), byId('terminals'), () => this.terminalPlace());
  private readonly stageBody = h('div');
  private readonly stage = new StageView(this.stageBody, {
    open: async (words) => {
      await this.go(STAGE);
      await this.link.scene(STAGE, { ask: 'stage', words: wordsOf(words) });
    },
    step: () => this.link.scene(STAGE, { ask: 'stage-step' }),
    back: () => this.link.scene(STAGE, { ask: 'stage-back' }),
    end: () => this.link.scene(STAGE, { ask: 'stage-end' }),
  });
  private readonly details = new Details(byId('details'), {
    counters: (inode, index) => this.link.scene(this.at, { ask: 'interface', inode, index }),
    sender: (inode) => this.pick('ask-from', inode, false),
    target: (inode) => this.pick('ask-to', inode, true),
    xRay: (name) => void this.xRay(name),
  });
  private readonly task = new TaskPanel(byId('task'), {
    ask: (word) => this.link.scene(this.at, { ask: word }),
    reset: () =>
      void this.attempt(() => this.link.ask({ do: 'reset', at: this.at })).then(() => this.go(this.at)),
    end: () => void this.attempt(() => this.link.ask({ do: 'end', at: this.at })),
    goal: () => this.toggleGoal(),
    type: (text) => this.terminals.type(text),
  });

  constructor() {
    this.task.redraw = () => this.drawTask();
    byId('ask').addEventListener('submit', (event) => {
      event.preventDefault();
      void this.send();
    });
    this.packets.clear();
    this.drawPanels();
  }

  private heard(tell: Tell): void {
    switch (tell.type) {
      case 'welcome':
        this.actions = tell.actions;
        void this.look(MACHINE);
        break;
      case 'lessons':
        this.lessons = tell.lessons;
        this.labs = tell.labs;
        this.drawLeft();
        this.drawTask();
        break;
      case 'scene':
        if (tell.at === this.at) void this.attempt(async () => this.sceneTold(tell.tell));
        break;
      case 'ended':
        this.looked.delete(tell.at);
        this.terminals.closeAll(tell.at);
        this.labs = this.labs.filter((name) => name !== tell.at);
        if (tell.at === this.at && tell.at !== MACHINE) this.say(`The lab ${tell.at} is gone.`);
        else if (tell.at === MACHINE) this.say(`The machine cannot be looked at: ${tell.why}`, true);
        this.drawLeft();
        break;
      case 'begun':
        if (tell.at === this.at) void this.go(tell.at);
        break;
      case 'answer':
      case 'error':
        break; // link.ts has them.
    }
  }

  private sceneTold(tell: SceneTell): void {
    switch (tell.tell) {
      case 'graph':
        this.view.add(tell.model);
        break;
      case 'lesson':
        this.lesson = tell.state;
        this.view.step = tell.state.step;
        this.drawTask();
        break;
      case 'goal':
        this.view.addGoal(tell.step, tell.model);
        break;
      case 'stage':
        this.stage.set(tell.stage);
        break;
      case 'stage-at':
        this.stage.move(tell.at);
        break;
      case 'answer':
      case 'error':
        break;
    }
  }

  /** Starts a lab if need be, and looks at it. */
  private async go(at: SceneId): Promise<void> {
    if (at !== MACHINE && !this.labs.includes(at)) {
      this.say(`Starting the lab ${at} …`);
      await this.attempt(() => this.link.ask({ do: 'start', lesson: at }));
    }
    await this.look(at);
    if (at !== MACHINE) this.terminals.ensure(at);
  }

  private async look(at: SceneId): Promise<void> {
    if (this.at !== at || !this.looked.has(at)) {
      this.at = at;
      this.lesson = undefined;
      this.packets.clear();
      this.view.clear(at);
      this.details.hide();
      this.looked.add(at);
      await this.attempt(() => this.link.ask({ do: 'look', at }));
    }
    this.say(at === MACHINE ? 'This machine' : `The lab ${at}`);
    this.drawLeft();
    this.drawTask();
    this.show('task');
  }

  private select(selection: Selection | undefined): void {
    const { shown } = this.view;
    if (selection === undefined || shown === undefined) {
      this.details.hide();
      return;
    }
    this.details.show(shown, selection, this.at === STAGE ? this.stage.steps : []);
    this.show('details');
  }

  private pick(field: string, inode: number, isTarget: boolean): void {
    const namespace = this.view.shown?.namespaces.find((one) => one.inode === inode);
    if (namespace === undefined) return;
    const isContainer = namespace.containers[0]?.name;
    const word = inode === this.view.shown?.here ? 'host' : (isContainer ?? `netns:${namespace.label}`);
    const address = namespace.interfaces
      .filter(({ kind }) => kind !== 'loopback')
      .flatMap(({ addresses }) => addresses)
      .find((one) => !one.includes(':'))
      ?.split('/')[0];
    const input = byId(field) as HTMLInputElement;
    input.value = isTarget ? `${isContainer ?? address ?? ''}:80` : word;
    input.focus();
  }

  private async send(): Promise<void> {
    const from = (byId('ask-from') as HTMLInputElement).value.trim();
    const to = (byId('ask-to') as HTMLInputElement).value.trim();
    if (to === '') return;
    this.say('The packet is on its way …');
    const words = from === '' ? [to] : [from, '->', to];
    await this.attempt(async () => {
      const flight = flightOf(await this.link.scene(this.at, { ask: 'why', words }));
      this.say(flight.works ? 'The packet arrives.' : `The packet stops at: ${flight.stage}.`);
      await this.packets.play(flight);
    });
  }

  private async xRay(name: string): Promise<void> {
    await this.attempt(async () => {
      const answer = await this.link.scene(this.at, { ask: 'x-ray', name });
      drawXRay(byId('details'), answer, () => this.link.scene(this.at, { ask: 'x-ray', name }));
      this.show('details');
    });
  }

  private toggleGoal(): void {
    if (this.view.toggleGoal()) {
      this.say('A second lab plays the lesson: its goal is drawn dashed.');
      void this.attempt(() => this.link.ask({ do: 'goal', at: this.at }));
    }
    this.drawTask();
  }

  private drawLeft(): void {
    const place = (at: SceneId, title: string): HTMLElement =>
      h(
        'button',
        { 'aria-pressed': String(this.at === at), 'data-place': at, click: () => void this.go(at) },
        title,
      );
    fill(byId('places'), place(MACHINE, 'This machine'), place(STAGE, 'A start on stage'));
    drawLessons(byId('left'), this.lessons, this.labs, this.at, (name) => void this.go(name));
  }

  private drawTask(): void {
    const body = byId('task');
    const lesson = this.lessons.find(({ name }) => name === this.at);
    if (lesson !== undefined) {
      this.task.draw(lesson, this.lesson, this.view.missing, this.view.goalShown);
    } else if (this.at === STAGE) {
      if (this.stageBody.parentElement !== body) fill(body, this.stageBody);
    } else {
      fill(
        body,
        h('h2', {}, 'This machine'),
        h(
          'p',
          {},
          'The picture is what the kernel has now. Click a part to see the command that shows it; pick two ends to send a packet.',
        ),
        h(
          'p',
          { class: 'quiet' },
          this.actions
            ? 'This page may act on the machine (--allow-actions).'
            : 'This page only looks at the machine; it acts in labs.',
        ),
      );
    }
  }

  private show(panel: Panel): void {
    this.panel = panel;
    if (panel === 'task') this.details.hide();
    this.drawPanels();
  }

  private drawPanels(): void {
    const tab = (panel: Panel, title: string): HTMLElement =>
      h('button', { 'aria-pressed': String(this.panel === panel), click: () => this.show(panel) }, title);
    fill(byId('right-tabs'), tab('task', this.at === STAGE ? 'Stage' : 'Task'), tab('details', 'Details'));
    byId('task').hidden = this.panel !== 'task';
    byId('details').hidden = this.panel !== 'details';
  }

  private terminalPlace(): SceneId | undefined {
    if (this.at !== MACHINE || this.actions) return this.at;
    this.say('A shell on the machine needs "minidock ui --allow-actions"; in a lab it is free.', true);
    return undefined;
  }

  private async attempt(action: () => Promise<unknown>): Promise<void> {
    try {
      await action();
    } catch (error) {
      this.say((error as Error).message, true);
    }
  }

  private say(words: string, bad = false): void {
    const state = byId('state');
    state.textContent = words;
    state.classList.toggle('bad', bad);
  }
}

/** Words as a shell splits them, with quotes; nothing else of a shell. */
function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare ?? '',
  );
}

styleWithNonce();
new Page();
