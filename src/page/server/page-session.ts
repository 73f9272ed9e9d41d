/** One open page: its questions, and what it looks at. A page that lags gets the last picture of each scene, not all. */
import { MinidockError } from '../../../runtime/errors.ts';
import { MACHINE, readAsk, type Ask, type SceneId, type SceneTell, type Tell } from '../messages.ts';
import type { Scenes } from './labs.ts';

/** What Bun's ServerWebSocket is here. */
export interface Socket {
  send(data: string | Uint8Array): number;
  close(code?: number, reason?: string): void;
  getBufferedAmount(): number;
}

export interface PageContext {
  readonly scenes: Scenes;
  readonly lessons: () => Tell;
  readonly version: string;
  readonly actions: boolean;
}

/** Bytes on their way; more pictures wait. */
const LAGGING = 256 * 1024;

export class PageSession {
  private readonly looks = new Set<SceneId>();
  /** Pictures that wait until the page has read what is on its way. */
  private readonly waiting = new Map<string, Tell>();

  constructor(
    private readonly socket: Socket,
    private readonly context: PageContext,
  ) {}

  opened(): void {
    const { version, actions, lessons } = this.context;
    this.tell({ type: 'welcome', version, actions });
    this.tell(lessons());
  }

  received(message: string | Uint8Array): void {
    const ask = typeof message === 'string' ? readAsk(message) : undefined;
    if (ask === undefined) {
      this.socket.close(1008, 'this is no message of the page');
      return;
    }
    this.answer(ask).then(
      (value) => this.tell({ type: 'answer', id: ask.id, value: value ?? null }),
      (error: unknown) => this.tell({ type: 'error', id: ask.id, message: wordsOf(error) }),
    );
  }

  sceneTold(at: SceneId, tell: SceneTell): void {
    if (this.looks.has(at)) this.tell({ type: 'scene', at, tell });
  }

  tell(tell: Tell): void {
    if (tell.type === 'scene' && this.socket.getBufferedAmount() > LAGGING) {
      this.waiting.set(`${tell.at} ${tell.tell.tell}`, tell);
      return;
    }
    this.socket.send(JSON.stringify(tell));
  }

  drained(): void {
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const tell of waiting) this.tell(tell);
  }

  closed(): void {
    this.looks.clear();
  }

  private async answer(ask: Ask): Promise<unknown> {
    const { scenes } = this.context;
    switch (ask.do) {
      case 'start':
        await scenes.start(ask.lesson);
        this.tell(this.context.lessons());
        return undefined;
      case 'look': {
        this.looks.add(ask.at);
        for (const tell of scenes.open(ask.at).last) this.tell({ type: 'scene', at: ask.at, tell });
        return undefined;
      }
      case 'end':
        refuseMachine(ask.at);
        await scenes.end(ask.at);
        return undefined;
      case 'reset':
        refuseMachine(ask.at);
        await scenes.reset(ask.at);
        return undefined;
      case 'goal':
        refuseMachine(ask.at);
        return await scenes.goals(ask.at);
      case 'scene':
        return await scenes.open(ask.at).ask(ask.ask);
    }
  }
}

function refuseMachine(at: SceneId): void {
  if (at !== MACHINE) return;
  throw new MinidockError({ code: 'ONLY_IN_LABS', message: 'this is done in labs only, not on the machine' });
}

function wordsOf(error: unknown): string {
  const { message, hint } = error as { message?: string; hint?: string };
  return [message ?? String(error), ...(hint === undefined ? [] : [hint])].join('\n');
}
