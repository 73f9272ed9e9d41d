/** Prints a shim's messages while it starts a container: warnings at once, steps with --explain. */
import type { MessageHandler } from '../../engine/start.ts';
import type { Explanation } from '../../teach/explain/explanation.ts';
import { stderr } from '../../io/standard-streams.ts';

export function showShimMessages(explanation: Explanation | undefined): MessageHandler {
  return (message, answer) => {
    if (message.type === 'warning') stderr.write(`WARNING: ${message.text}\n`);
    explanation?.onMessage(message, answer);
  };
}
