import { describe, expect, test } from '@jest/globals';
import { formatList, type ListOptions } from '../../../../src/docker/format.ts';
import type { Row } from '../../../../src/docker/rows.ts';
import { alignColumns } from '../../../../src/ui/table.ts';

const style = {
  columns: { ID: 'CONTAINER ID', Image: 'IMAGE', Names: 'NAMES', Ports: 'PORTS', Labels: 'LABELS' },
  defaultColumns: ['ID', 'Image', 'Ports', 'Names'],
  quietColumn: 'ID',
};
const row = (id: string, image: string, names: string, ports = ''): Row => ({
  ID: id,
  Image: image,
  Names: names,
  Ports: ports,
  Labels: 'foo=bar',
  Label: (name) => (name === 'foo' ? 'bar' : ''),
});
const rows = [row('978aaee6dbac', 'demo/web:1', 'web', '80/tcp'), row('71dc15aa0655', 'x', 'plain')];
const list = (options: ListOptions, of: readonly Row[] = rows): Promise<string> =>
  formatList(of, style, options);

describe('tables', () => {
  test('three spaces between columns, ten characters at least, none after the last', async () => {
    expect(await list({})).toBe(
      [
        'CONTAINER ID   IMAGE        PORTS     NAMES',
        '978aaee6dbac   demo/web:1   80/tcp    web',
        '71dc15aa0655   x                      plain',
        '',
      ].join('\n'),
    );
  });

  test('headings alone where there are no rows', async () => {
    expect(await list({}, [])).toBe('CONTAINER ID   IMAGE     PORTS     NAMES\n');
    expect(await list({ format: 'table' }, [])).toBe('CONTAINER ID   IMAGE     PORTS     NAMES\n');
  });

  test('columns of a template, headings not touched by its functions', async () => {
    expect(await list({ format: 'table {{lower .Names}}\\t{{.Label "foo"}}\\t{{truncate .ID 2}}' })).toBe(
      ['NAMES     foo       CONTAINER ID', 'web       bar       97', 'plain     bar       71', ''].join('\n'),
    );
  });

  test('a cell of any length moves its column only', () => {
    expect(alignColumns('a\tb\nlonger than ten\tc')).toBe('a                 b\nlonger than ten   c');
    expect(alignColumns('no tab at all\na\tb')).toBe('no tab at all\na         b');
  });
});

describe('other formats', () => {
  test('quiet wins over a format', async () => {
    expect(await list({ quiet: true, format: '{{.Names}}' })).toBe('978aaee6dbac\n71dc15aa0655\n');
  });

  test('a template for each row, with escapes spelt out', async () => {
    expect(await list({ format: '{{.ID}}:\\t{{.Names}}' })).toBe(
      '978aaee6dbac:\tweb\n71dc15aa0655:\tplain\n',
    );
    expect(await list({ format: '{{.Names}}' }, [])).toBe('');
  });

  test('json is one object a line, sorted, without methods', async () => {
    const expected =
      '{"ID":"978aaee6dbac","Image":"demo/web:1","Labels":"foo=bar","Names":"web","Ports":"80/tcp"}\n';
    expect(await list({ format: 'json' }, rows.slice(0, 1))).toBe(expected);
    expect(await list({ format: '{{json .}}' }, rows.slice(0, 1))).toBe(expected);
  });

  test('an unknown field is an error that names the known ones', async () => {
    await expect(list({ format: '{{.Foo}}' })).rejects.toThrow(
      'template parsing error: template: :1:2: executing "" at <.Foo>: can\'t evaluate field Foo in type',
    );
    await expect(list({ format: '{{.Foo}}' })).rejects.toThrow(
      expect.objectContaining({
        code: 'TEMPLATE_INVALID',
        hint: expect.stringContaining('.ID, .Image') as unknown,
      }),
    );
    await expect(list({ format: '{{' }, [])).rejects.toThrow(
      'template parsing error: template: :1: unclosed action',
    );
  });
});
