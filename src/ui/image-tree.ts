/**
 * `images --tree`, in the layout of Docker 27 and later: the names of an image, and below them its platforms. An image
 * here has one platform, whatever its index in the registry has. Pure.
 */
import { oneLine } from '../../runtime/printable.ts';
import { humanSize, shortId } from './human.ts';

export interface ImageNode {
  readonly names: readonly string[];
  readonly id: string;
  readonly manifest: string;
  /** 'linux/amd64' */
  readonly platform: string;
  /** Bytes: of the layers, packed. */
  readonly content: number;
  /** Of the layers, packed and unpacked. */
  readonly usage: number;
  readonly used: boolean;
}

const TITLES = ['IMAGE', 'ID', 'DISK USAGE', 'CONTENT SIZE', 'USED'] as const;
const GAP = '   ';
/** Of the first column, in a terminal that is too narrow for all of them. */
const LEAST_WIDTH = 12;

/** `columns`: of the terminal; without one names are not cut. Lines, with their newlines. */
export function imageTree(images: readonly ImageNode[], columns: number | undefined): string {
  const others = [ID_WIDTH, ...TITLES.slice(2).map(({ length }) => length)];
  const wide = others.reduce((sum, length) => sum + length + GAP.length, 0);
  const longest = Math.max(
    TITLES[0].length,
    ...images.flatMap((image) => [...namesOf(image), branch(image)].map(({ length }) => length)),
  );
  const width = Math.min(longest, Math.max(LEAST_WIDTH, (columns ?? Infinity) - wide));
  const line = ([first = '', ...cells]: readonly string[]): string =>
    [fit(first, width).padEnd(width), ...cells].join(GAP).trimEnd();
  const groups = images.map((image) => {
    const [last = '', ...above] = namesOf(image).toReversed();
    return [
      ...above.toReversed().map((name) => fit(name, width)),
      line([last, ...details(image.id, image)]),
      line([branch(image), ...details(image.manifest, image)]),
    ].join('\n');
  });
  const head = line([TITLES[0], TITLES[1].padEnd(ID_WIDTH), ...TITLES.slice(2)]);
  return `${[head, groups.join('\n\n')].filter(Boolean).join('\n')}\n`;
}

const ID_WIDTH = 12;

const namesOf = ({ names }: ImageNode): readonly string[] => (names.length === 0 ? ['<untagged>'] : names);
const branch = ({ platform }: ImageNode): string => `└─ ${oneLine(platform)}`;

const details = (id: string, { content, usage, used }: ImageNode): readonly string[] => [
  shortId(id).padEnd(ID_WIDTH),
  humanSize(usage).padStart(TITLES[2].length),
  humanSize(content).padStart(TITLES[3].length),
  used ? ' ✔' : '',
];

const fit = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, width - 3)}...`;
