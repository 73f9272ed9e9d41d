/** `--link` on the default network, where nobody looks names up: lines of /etc/hosts, as of when the container starts. */
import { MinidockError } from '../../../runtime/errors.ts';
import { hasProgram, type ContainerConfig } from '../spec/container.ts';
import { DEFAULT_NETWORK, endpointSpecs, endpointStates, ownAddresses } from '../spec/endpoints.ts';
import { shortId } from '../spec/ids.ts';
import type { ContainerStore } from '../state/store.ts';

/** @throws MinidockError in Docker's words: a linked container must run, and on the default network. */
export function linkLines(store: ContainerStore, { name, spec }: ContainerConfig): readonly string[] {
  const own = endpointSpecs(spec.network).find(({ network }) => network === DEFAULT_NETWORK);
  return (own?.links ?? []).map((link) => {
    const [reference = '', alias = ''] = link.split(':');
    const { config, state } = store.find(reference);
    if (!hasProgram(state)) {
      throw new MinidockError({
        code: 'LINK_NOT_RUNNING',
        message: `Cannot link to a non running container: /${config.name} AS /${name}/${alias}`,
        hint: `Start it first: minidock start ${config.name}`,
      });
    }
    const there = endpointStates(state.network).find(({ network }) => network.name === DEFAULT_NETWORK);
    if (there === undefined) {
      throw new MinidockError({
        code: 'LINK_ELSEWHERE',
        message: `Cannot link to /${config.name}, as it does not belong to the default network`,
      });
    }
    const names = new Set([alias, shortId(config.id), config.name]);
    return ownAddresses(there)
      .map((address) => `${address}\t${[...names].join(' ')}`)
      .join('\n');
  });
}
