/** `--progress rawjson`: one JSON document a line, in the names of BuildKit's status: vertexes, logs. */
import { digestOf } from '../../../images/digest.ts';
import type { BuildEvent, View } from './report.ts';

export function rawJsonView(write: (text: string) => void): View {
  const started = new Map<number, string>();
  const now = (): string => new Date().toISOString();
  return {
    event(event: BuildEvent) {
      const { number, name } = event.vertex;
      // Stands for the instruction in this build; BuildKit's is a digest of its own definition.
      const digest = digestOf(Buffer.from(`${String(number)} ${name}`));
      const line = (value: unknown): void => write(`${JSON.stringify(value)}\n`);
      switch (event.type) {
        case 'started':
          started.set(number, now());
          line({ vertexes: [{ digest, name, started: started.get(number) }] });
          break;
        case 'note':
        case 'output': {
          const bytes = event.type === 'note' ? Buffer.from(`${event.text}\n`) : event.bytes;
          line({ logs: [{ vertex: digest, stream: 2, data: bytes.toString('base64'), timestamp: now() }] });
          break;
        }
        case 'ended':
          line({
            vertexes: [
              {
                digest,
                name,
                started: started.get(number),
                completed: now(),
                ...(event.how === 'cached' ? { cached: true } : {}),
                ...(event.how === 'failed' ? { error: event.error } : {}),
              },
            ],
          });
      }
    },
    finish: () => undefined,
  };
}
