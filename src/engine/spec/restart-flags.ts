/** `--restart no|always|unless-stopped|on-failure[:N]`: by Docker's rules, with its words for what is wrong. */
import type { RestartPolicy } from './container.ts';
import type { CreateRequest } from './create-request.ts';
import { invalidArgument, invalidSpec } from './flag-errors.ts';

const NAMES = ['no', 'always', 'on-failure', 'unless-stopped'] as const;

export function restartSpec({ restart, rm }: Pick<CreateRequest, 'restart' | 'rm'>): {
  readonly restart?: RestartPolicy;
} {
  const policy = restart === undefined ? undefined : parseRestartPolicy(restart);
  if (policy === undefined || policy.name === 'no') return {};
  if (rm === true) throw invalidSpec('Conflicting options: --restart and --rm');
  return { restart: policy };
}

/** @throws MinidockError 'INVALID_FLAG'. */
export function parseRestartPolicy(text: string): RestartPolicy {
  const [name = '', ...rest] = text.split(':');
  const count = rest.length === 0 ? '' : rest.join(':');
  if (rest.length > 0 && name === '') {
    throw invalidSpec('invalid restart policy format: no policy provided before colon');
  }
  if (count !== '' && !/^[+-]?\d+$/.test(count)) {
    throw invalidSpec('invalid restart policy format: maximum retry count must be an integer');
  }
  const known = NAMES.find((one) => one === name);
  if (known === undefined) {
    throw invalidSpec(
      `invalid restart policy: unknown policy '${name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`,
    );
  }
  const maximumRetryCount = Number(count);
  if (maximumRetryCount !== 0 && known !== 'on-failure') {
    throw invalidSpec(
      `invalid restart policy: maximum retry count can only be used with 'on-failure'${maximumRetryCount < 0 ? ' and cannot be negative' : ''}`,
    );
  }
  if (maximumRetryCount < 0) {
    throw invalidSpec('invalid restart policy: maximum retry count cannot be negative');
  }
  if (!Number.isSafeInteger(maximumRetryCount))
    throw invalidArgument(text, '--restart', 'value out of range');
  return { name: known, maximumRetryCount };
}
