/** Short words for the entries that the cases are made of. */
import { entryBytes, paxBody, type TestEntry } from '../../images/tar-bytes.ts';

type Rest = Omit<TestEntry, 'name'>;

export const file = (name: string, rest: Rest = {}): TestEntry => ({
  name,
  uid: 0,
  gid: 0,
  data: name,
  ...rest,
});
export const dir = (name: string, rest: Rest = {}): TestEntry => ({
  name: `${name}/`,
  type: '5',
  uid: 0,
  gid: 0,
  ...rest,
});
export const symlink = (name: string, link: string, rest: Rest = {}): TestEntry => ({
  name,
  type: '2',
  link,
  mode: 0o777,
  uid: 0,
  gid: 0,
  ...rest,
});
export const hardLink = (name: string, link: string, rest: Rest = {}): TestEntry => ({
  name,
  type: '1',
  link,
  uid: 0,
  gid: 0,
  ...rest,
});
export const whiteout = (name: string): TestEntry => file(name.replace(/[^/]*$/, '.wh.$&'), { data: '' });
export const opaque = (name: string): TestEntry =>
  file(`${name === '' ? '' : `${name}/`}.wh..wh..opq`, { data: '' });

/** An extended header by itself: 'x' for the next entry, 'g' for all that follow. */
export const pax = (
  records: Readonly<Record<string, string | Buffer>>,
  type = 'x',
  rest: Rest = {},
): Buffer => entryBytes({ name: 'pax', type, data: paxBody(records), ...rest });
export const rawPax = (data: string | Buffer, type = 'x'): Buffer => entryBytes({ name: 'pax', type, data });
/** GNU's long name ('L') or long link ('K'). */
export const gnuLong = (type: 'L' | 'K', text: string | Buffer, end = '\0'): Buffer =>
  entryBytes({
    name: '././@LongLink',
    type,
    gnu: true,
    data: Buffer.concat([Buffer.from(text), Buffer.from(end)]),
  });
