/**
 * `--gpus` and `--device VENDOR/CLASS=NAME`: devices that a CDI specification of the host describes. Docker's own parser,
 * whose words these are, reads --gpus as one line of comma-separated values: all, 2, "device=0,1".
 */
import { csvFields } from './csv.ts';
import type { DeviceRequest } from './devices.ts';
import { invalidArgument } from './flag-errors.ts';

const CDI_NAME = /^[A-Za-z][\w.-]*\/[A-Za-z][\w-]*=[A-Za-z0-9][\w.:-]*$/;

/** 'nvidia.com/gpu=0': of a vendor, a class and a device. */
export const isCdiName = (text: string): boolean => CDI_NAME.test(text);

export function deviceRequests(
  gpus: string | undefined,
  devices: readonly string[] = [],
): { readonly deviceRequests?: readonly DeviceRequest[] } {
  const names = devices.filter(isCdiName);
  const requests = [
    ...(gpus === undefined ? [] : [parseGpus(gpus)]),
    ...(names.length === 0 ? [] : [{ driver: 'cdi', count: 0, ids: names }]),
  ];
  return requests.length === 0 ? {} : { deviceRequests: requests };
}

interface Draft {
  driver?: string;
  count?: number;
  ids?: readonly string[];
  capabilities?: readonly string[];
  options?: Readonly<Record<string, string>>;
}

export function parseGpus(text: string): DeviceRequest {
  const wrong = (reason: string): Error => invalidArgument(text, '--gpus', reason);
  if (text.trim() === '') throw wrong('EOF');
  const fields = csvFields(text, wrong);
  const draft: Draft = {};
  const seen = new Set<string>();
  for (const field of fields) {
    const at = field.indexOf('=');
    const key = at < 0 ? field : field.slice(0, at);
    if (seen.has(key)) throw wrong(`gpu request key '${key}' can be specified only once`);
    seen.add(key);
    if (at < 0) draft.count = count(field, wrong);
    else read(draft, key, field.slice(at + 1), field, wrong);
  }
  const { driver = '', ids, capabilities = ['gpu'], options = {} } = draft;
  return {
    ...{ driver, count: draft.count ?? (ids === undefined ? 1 : 0), capabilities, options },
    ...(ids === undefined ? {} : { ids }),
  };
}

function read(
  draft: Draft,
  key: string,
  value: string,
  field: string,
  wrong: (reason: string) => Error,
): void {
  switch (key) {
    case 'driver':
      draft.driver = value;
      return;
    case 'count':
      draft.count = count(value, wrong);
      return;
    case 'device':
      draft.ids = value.split(',');
      return;
    case 'capabilities':
      draft.capabilities = [...value.split(','), 'gpu'];
      return;
    case 'options':
      draft.options = Object.fromEntries(
        csvFields(value, wrong).map((entry) => {
          const [name = '', ...rest] = entry.split('=');
          return [name, rest.join('=')];
        }),
      );
      return;
    default:
      throw wrong(`unexpected key '${key}' in '${field}'`);
  }
}

/** -1 is all of them. */
function count(text: string, wrong: (reason: string) => Error): number {
  if (text === 'all') return -1;
  if (/^[+-]?\d{1,9}$/.test(text)) return Number(text);
  throw wrong(`count must be an integer: strconv.Atoi: parsing "${text}": invalid syntax`);
}
