/** What a build reports of its instructions while it carries them out; the views decide what of it is shown. */
export interface Vertex {
  readonly number: number;
  /** '[build 2/3] RUN make' */
  readonly name: string;
}

export type BuildEvent =
  | { readonly type: 'started'; readonly vertex: Vertex; readonly time: number }
  | { readonly type: 'output'; readonly vertex: Vertex; readonly time: number; readonly bytes: Buffer }
  /** Of `--explain`. */
  | { readonly type: 'note'; readonly vertex: Vertex; readonly time: number; readonly text: string }
  | {
      readonly type: 'ended';
      readonly vertex: Vertex;
      readonly time: number;
      readonly how: 'done' | 'cached' | 'failed';
      readonly error?: string;
    };

export interface View {
  event(event: BuildEvent): void;
  finish(): void;
}

export class Reporter {
  private count = 0;

  constructor(private readonly listen: (event: BuildEvent) => void) {}

  vertex(name: string): Vertex {
    return { number: ++this.count, name };
  }

  /** `work` may say that it found its result in the cache. */
  async during<T>(vertex: Vertex, work: (cached: () => void) => Promise<T>): Promise<T> {
    let how: 'done' | 'cached' = 'done';
    this.listen({ type: 'started', vertex, time: performance.now() });
    try {
      const result = await work(() => (how = 'cached'));
      this.listen({ type: 'ended', vertex, time: performance.now(), how });
      return result;
    } catch (error) {
      this.listen({
        type: 'ended',
        vertex,
        time: performance.now(),
        how: 'failed',
        error: (error as Error).message,
      });
      throw error;
    }
  }

  note = (vertex: Vertex, text: string): void =>
    this.listen({ type: 'note', vertex, time: performance.now(), text });

  output = (vertex: Vertex, bytes: Buffer): void =>
    this.listen({ type: 'output', vertex, time: performance.now(), bytes });
}
