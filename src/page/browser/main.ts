/**
 * The page: which scene is looked at, and what of it stands where. The picture follows the scene; the panels around it
 * ask the server and draw its answers. Every name comes from outside and is text, never HTML (dom.ts).
 */
import { checkNews, lessonNews } from './lesson-news.ts';
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
import { AskForm } from './ask-form.ts';
import { byId, fill, h, isByKey } from './dom.ts';
import { drawLessons } from './lessons.ts';
import { Link } from './link.ts';
import { announce } from './news.ts';
import { drawMachine } from './machine-panel.ts';
import { PacketView } from './packet-view.ts';
import type { Selection } from './picture.ts';
import { SceneView } from './scene-view.ts';
import { styleWithNonce } from './nonce.ts';
import { listenForRegions, regionOf } from './keyboard/regions.ts';
import { StageView } from './stage-view.ts';
import { TaskPanel } from './task-panel.ts';
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
    selected: (selection, byKey) => this.select(selection, byKey),
    drawn: () => this.drawTask(),
  });
  private readonly form = new AskForm((words) => void this.send(words));
  private readonly packets = new PacketView(this.view.picture, byId('strip'), () => this.view.shown);
  private readonly terminals = new Terminals(byId('tabs'), byId('terminals'), () => this.terminalPlace());
  private readonly stageBody = h('div');
  private readonly stage = new StageView(this.stageBody, {
    open: async (words) => {
      await this.go(STAGE);
      await this.link.scene(STAGE, { ask: 'stage', words });
    },
    step: () => this.link.scene(STAGE, { ask: 'stage-step' }),
    back: () => this.link.scene(STAGE, { ask: 'stage-back' }),
    end: () => this.link.scene(STAGE, { ask: 'stage-end' }),
  });
  private readonly details = new Details(byId('details'), {
    counters: (inode, index) => this.link.scene(this.at, { ask: 'interface', inode, index }),
    sender: (inode) => this.form.pick('from', this.view.shown, inode),
    target: (inode) => this.form.pick('to', this.view.shown, inode),
    xRay: (name) => void this.xRay(name),
  });
  private readonly task = new TaskPanel(byId('task'), {
    ask: (word) => this.link.scene(this.at, { ask: word }),
    answered: (word) => {
      if (word === 'check' && this.lesson !== undefined) announce(checkNews(this.lesson));
    },
    reset: () =>
      void this.attempt(() => this.link.ask({ do: 'reset', at: this.at })).then(() => this.go(this.at)),
    end: () => void this.attempt(() => this.link.ask({ do: 'end', at: this.at })),
    goal: () => this.toggleGoal(),
    type: (text) => this.terminals.type(text),
  });

  constructor() {
    this.task.redraw = () => this.drawTask();
    byId('right').addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || this.panel !== 'details') return;
      event.preventDefault();
      this.view.picture.focus();
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
      case 'lesson': {
        const lesson = this.lessons.find(({ name }) => name === this.at);
        const news = lesson === undefined ? '' : lessonNews(lesson, this.lesson, tell.state);
        if (news !== '') announce(news);
        this.lesson = tell.state;
        this.view.step = tell.state.step;
        this.drawTask();
        break;
      }
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

  /** Starts a lab if need be, and looks at it; @param byKey undefined if nobody has chosen it just now. */
  private async go(at: SceneId, byKey?: boolean): Promise<void> {
    const before = regionOf(document.activeElement);
    if (at !== MACHINE && !this.labs.includes(at)) {
      this.say(`Starting the lab ${at} …`);
      await this.attempt(() => this.link.ask({ do: 'start', lesson: at }));
    }
    await this.look(at);
    if (at === MACHINE) return;
    // Who chose it by key reads the task next, and is not put into a terminal; nor is who has gone elsewhere.
    const stayed = regionOf(document.activeElement) === before;
    this.terminals.ensure(at, before === 'shell' || (byKey === false && stayed));
    if (byKey === true && stayed) focusHeading(byId('task'));
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

  private select(selection: Selection | undefined, byKey: boolean): void {
    const { shown } = this.view;
    if (selection === undefined || shown === undefined) {
      this.details.hide();
      return;
    }
    this.details.show(shown, selection, this.at === STAGE ? this.stage.steps : []);
    this.show('details');
    if (byKey) focusHeading(byId('details'));
  }

  private async send(words: readonly string[]): Promise<void> {
    this.say('The packet is on its way …');
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
      focusHeading(byId('details'));
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
        {
          ...(this.at === at ? { 'aria-current': 'page' } : {}),
          ...{ 'data-place': at, click: (event) => void this.go(at, isByKey(event)) },
        },
        title,
      );
    fill(byId('places'), place(MACHINE, 'This machine'), place(STAGE, 'A start on stage'));
    drawLessons(byId('left'), this.lessons, this.labs, this.at, (name, byKey) => void this.go(name, byKey));
  }

  private drawTask(): void {
    const body = byId('task');
    const lesson = this.lessons.find(({ name }) => name === this.at);
    if (lesson !== undefined) {
      this.task.draw(lesson, this.lesson, this.view.missing, this.view.goalShown);
    } else if (this.at === STAGE) {
      if (this.stageBody.parentElement !== body) fill(body, this.stageBody);
    } else {
      drawMachine(body, this.actions);
    }
  }

  private show(panel: Panel): void {
    this.panel = panel;
    if (panel === 'task') this.details.hide();
    this.drawPanels();
  }

  private drawPanels(): void {
    const tab = (panel: Panel, title: string): HTMLElement =>
      h(
        'button',
        { 'aria-pressed': String(this.panel === panel), 'data-act': panel, click: () => this.show(panel) },
        title,
      );
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

/** So that what is new is read from its beginning, and Tab goes on in it. */
const focusHeading = (panel: HTMLElement): void => panel.querySelector<HTMLElement>('h2')?.focus();

styleWithNonce();
listenForRegions();
new Page();
