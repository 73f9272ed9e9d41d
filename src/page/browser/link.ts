/** The page's WebSocket: questions with their answers, and what the server tells by itself. */
import type { Ask, SceneAsk, SceneId, Tell } from '../messages.ts';

type Question = Ask extends infer A ? (A extends Ask ? Omit<A, 'id'> : never) : never;

export class Link {
  private readonly socket: WebSocket;
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  private count = 0;

  constructor(
    private readonly heard: (tell: Tell) => void,
    closed: () => void,
  ) {
    this.socket = new WebSocket(`ws://${location.host}${location.pathname}socket`);
    this.socket.addEventListener('message', ({ data }) => this.receive(JSON.parse(String(data)) as Tell));
    this.socket.addEventListener('close', closed);
  }

  ask(question: Question): Promise<unknown> {
    const id = this.count++;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.socket.send(JSON.stringify({ ...question, id }));
    });
  }

  scene(at: SceneId, ask: SceneAsk): Promise<unknown> {
    return this.ask({ do: 'scene', at, ask });
  }

  private receive(tell: Tell): void {
    if (tell.type === 'answer' || tell.type === 'error') {
      const question = this.waiting.get(tell.id);
      this.waiting.delete(tell.id);
      if (tell.type === 'answer') question?.resolve(tell.value);
      else question?.reject(new Error(tell.message));
      return;
    }
    this.heard(tell);
  }
}
