/** A container that should ask or answer, and does not run. */
import type { Container } from '../../../engine/state/store.ts';
import { bad } from '../findings.ts';
import type { Finding } from '../model.ts';
import type { Scene } from '../observe.ts';
import { inStack } from '../stack.ts';

/** `answers`: it is the one that is asked, and its ports count. */
export function checkEnded(
  scene: Scene,
  { config, state }: Pick<Container, 'config' | 'state'>,
  answers: boolean,
): Finding {
  const { name } = config;
  const taken = answers ? takenPort(scene, config) : undefined;
  if (taken !== undefined)
    return { ...taken, text: `${name} is not running (${state.status}), and ${taken.text}` };
  if (state.oomKilled) {
    const text = `${name} is not running: the kernel ended it, since it took more memory than it may`;
    const show = ['minidock', 'inspect', '-f', '{{.State.OOMKilled}}', name];
    const fix = `minidock update --memory MORE ${name} && minidock start ${name}`;
    return { ...bad('target', 'out-of-memory', text, show), fix };
  }
  return {
    ...bad('target', 'not-running', `${name} is not running (${state.status})`, ['minidock', 'ps', '-a']),
    fix: `minidock start ${name}; if it ends at once: minidock logs ${name}`,
  };
}

/** Another program has a port that the container publishes, which therefore cannot start. */
function takenPort({ host }: Scene, { name, spec }: Container['config']): Finding | undefined {
  for (const { hostPort, hostIp, protocol } of spec.network.ports) {
    const found = host.listeners.find(
      (one) =>
        one.port === hostPort &&
        one.protocol === protocol &&
        (isAny(one.address) || isAny(hostIp) || one.address === hostIp),
    );
    if (found === undefined || hostPort === 0) continue;
    const who = found.program === '' ? 'a program of the host' : found.program;
    const show = inStack(host, ['ss', protocol === 'tcp' ? '-ltnp' : '-lunp', 'sport', '=', `:${hostPort}`]);
    const text = `${who} has its port ${hostPort}/${protocol}`;
    const fix = `Stop ${who}, or run ${name} with another port; then: minidock start ${name}`;
    return { ...bad('target', 'port-taken', text, show), fix };
  }
  return undefined;
}

const isAny = (address: string): boolean => ['', '*', '0.0.0.0', '::'].includes(address);
