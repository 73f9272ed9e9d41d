/** Refusals of `network connect` and `disconnect`, in Docker's words. */
import { MinidockError } from '../../../../runtime/errors.ts';
import type { ContainerConfig } from '../../spec/container.ts';

export const alreadyConnected = ({ name }: ContainerConfig, network: string): MinidockError =>
  new MinidockError({
    code: 'ALREADY_CONNECTED',
    message: `endpoint with name ${name} already exists in network ${network}`,
  });

/** Docker has two sentences for it. */
export const notConnected = (
  { id }: ContainerConfig,
  network: string,
  how: 'running' | 'stopped',
): MinidockError =>
  new MinidockError({
    code: 'NOT_CONNECTED',
    message: `container ${id} is not connected to ${how === 'running' ? '' : 'the '}network ${network}`,
  });
