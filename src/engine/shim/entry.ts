/** The process of a shim: at the start of its container, or again once what it slept for has come (sleep.ts). */
import { span } from '../../../runtime/trace.ts';

/** The words after `minidock __shim`. */
export async function beShim(args: readonly string[]): Promise<void> {
  const id = /"id":"(\w{12})/.exec(args[0] ?? '')?.[1] ?? '';
  if (process.env['MINIDOCK_TRACE']) {
    const { startTrace } = await import('../../io/start-trace.ts');
    startTrace(`shim ${id}`, ['__shim', ...args], () => undefined);
  }
  if (args[1] !== undefined && args[2] === 'restart') {
    const { resumeRespite } = await span(
      'start',
      'load modules',
      () => import('./restart/resume-respite.ts'),
    );
    return resumeRespite(args[1]);
  }
  if (args[1] !== undefined) {
    const { resumeShim } = await span('start', 'load modules', () => import('./resume.ts'));
    return resumeShim(args[1]);
  }
  const { runShim } = await span('start', 'load modules', () => import('./main.ts'));
  return runShim();
}
