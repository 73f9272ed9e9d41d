/** Limits on block devices, as files of version 1 (blkio.*) and of version 2 (io.max, io.weight). Pure. */
import type { OciRate, OciResources } from '../bundle.ts';
import type { Limit } from './limit.ts';

type BlockIo = NonNullable<OciResources['blockIO']>;

const WORDS = {
  why: 'The kernel delays requests to a device once the group has used up its share of the current second.',
  without: 'One container can keep a disk busy that all others wait for.',
};

const KINDS = [
  ['throttleReadBpsDevice', 'blkio.throttle.read_bps_device', 'rbps', 'bytes read'],
  ['throttleWriteBpsDevice', 'blkio.throttle.write_bps_device', 'wbps', 'bytes written'],
  ['throttleReadIOPSDevice', 'blkio.throttle.read_iops_device', 'riops', 'reads'],
  ['throttleWriteIOPSDevice', 'blkio.throttle.write_iops_device', 'wiops', 'writes'],
] as const;

const ratesOf = (io: BlockIo, version: 1 | 2): readonly Limit[] =>
  KINDS.flatMap(([key, file, word, what]) =>
    (io[key] ?? []).map(({ major, minor, rate }: OciRate): Limit => ({
      controller: version === 1 ? 'blkio' : 'io',
      file: version === 1 ? file : 'io.max',
      key: `${major}:${minor}${version === 1 ? '' : `:${word}`}`,
      text: version === 1 ? `${major}:${minor} ${rate}` : `${major}:${minor} ${word}=${rate}`,
      title: `Limit ${what} of device ${major}:${minor} to ${rate} a second`,
      ...WORDS,
    })),
  );

function weightsOf({ weight, weightDevice = [] }: BlockIo, version: 1 | 2): readonly Limit[] {
  const limit = (file: string, text: string): Limit => ({
    controller: version === 1 ? 'blkio' : 'io',
    file,
    key: text.split(' ')[0] ?? text,
    text,
    title: `Weigh the share of the disks at ${text}`,
    why: 'When a disk is contended, groups are served in proportion to their weights.',
    without: 'Every container gets the same share.',
  });
  // 10 to 1000 there, 1 to 10000 here: runc's conversion.
  const scaled = (value: number): number => 1 + Math.trunc(((value - 10) * 9999) / 990);
  return [
    ...(weight === undefined
      ? []
      : [
          version === 1
            ? limit('blkio.weight', String(weight))
            : limit('io.weight', `default ${scaled(weight)}`),
        ]),
    ...weightDevice.map(({ major, minor, weight: value }) =>
      version === 1
        ? limit('blkio.weight_device', `${major}:${minor} ${value}`)
        : limit('io.weight', `${major}:${minor} ${scaled(value)}`),
    ),
  ];
}

export const ioLimits = (io: BlockIo | undefined, version: 1 | 2): readonly Limit[] =>
  io === undefined ? [] : [...weightsOf(io, version), ...ratesOf(io, version)];
