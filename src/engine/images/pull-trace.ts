/** The phases of a pull, layer by layer, as spans: what `images/` tells anyhow for the progress that is shown. */
import type { PullEvent, PullPhase } from '../../../images/pull.ts';
import { isTraced, span } from '../../../runtime/trace.ts';

/** undefined without a listener. */
export function tracePull(): ((event: PullEvent) => void) | undefined {
  if (!isTraced()) return undefined;
  const open = new Map<string, { readonly phase: PullPhase; readonly end: () => void }>();
  return ({ layer, phase, total }) => {
    const before = open.get(layer);
    if (before?.phase === phase) return;
    before?.end();
    if (phase === 'complete' || phase === 'exists') return;
    let end: () => void = () => undefined;
    const ended = new Promise<void>((resolve) => (end = resolve));
    void span('image', `${phase} ${layer}`, () => ended, { bytes: total });
    open.set(layer, { phase, end });
  };
}
