import { describe, expect, test } from '@jest/globals';
import {
  mountRequests,
  parseMount,
  parseTmpfs,
  parseVolume,
} from '../../../../../src/engine/spec/mount-flags.ts';

describe('-v', () => {
  test.each([
    [
      '/src:/dst',
      { type: 'bind', source: '/src', target: '/dst', readOnly: false, options: [], makeSource: true },
    ],
    ['/src:/dst/:ro', { type: 'bind', target: '/dst', readOnly: true }],
    ['/src:/dst:rw,rslave', { readOnly: false, options: ['rslave'] }],
    ['/src:/dst:z', { readOnly: false, options: [] }],
    ['./here:/dst', { type: 'bind', source: `${process.cwd()}/here` }],
    ['../up:/dst', { type: 'bind', source: process.cwd().replace(/\/[^/]+$/, '/up') }],
    ['name:/dst', { type: 'volume', volume: 'name', source: '', noCopy: false }],
    ['name:/dst:nocopy', { type: 'volume', volume: 'name', noCopy: true }],
    ['/dst', { type: 'volume', anonymous: true, target: '/dst', noCopy: false }],
    ['name:/a/../b', { target: '/b' }],
  ])('%s', (text, expected) => {
    expect(parseVolume(text)).toMatchObject(expected);
  });

  test.each([
    ['', /must be absolute/],
    ['rel', /must be absolute/],
    ['/a:rel', /must be absolute/],
    ['/a:/', /can't be '\/'/],
    [':/b', /invalid volume specification/],
    ['/a:/b:sideways', /invalid mode: sideways/],
    ['/a:/b:ro,rw', /invalid mode: ro,rw/],
    ['a:/b:ro:c', /too many colons/],
    ['vol:/b:rslave', /for type "volume": field BindOptions must not be specified/],
  ])('%j is refused', (text, words) => {
    expect(() => parseVolume(text)).toThrow(words);
  });
});

describe('--mount', () => {
  test.each([
    ['type=bind,source=/tmp,target=/dst', { type: 'bind', source: '/tmp', target: '/dst', readOnly: false }],
    ['type=bind,src=/tmp,dst=/dst,readonly', { readOnly: true }],
    ['type=bind,src=/tmp,destination=/dst,ro=true', { readOnly: true }],
    ['type=bind,src=/tmp,dst=/dst,ro=false', { readOnly: false }],
    ['type=bind,src=/tmp,dst=/dst,bind-propagation=rslave', { options: ['rslave'] }],
    ['type=volume,src=name,dst=/dst,volume-nocopy', { type: 'volume', volume: 'name', noCopy: true }],
    ['type=bind,src=/tmp,"dst=/with,comma"', { target: '/with,comma' }],
    ['"type=bind","src=/tmp","dst=/a""b"', { target: '/a"b' }],
    ['dst=/dst', { type: 'volume', anonymous: true }],
    [
      'type=tmpfs,dst=/dst,tmpfs-size=64m,tmpfs-mode=700',
      { type: 'tmpfs', options: ['size=67108864', 'mode=700'] },
    ],
  ])('%s', (text, expected) => {
    expect(parseMount(text)).toMatchObject(expected);
  });

  test.each([
    ['type=bind,src=/tmp', /target is required/],
    ['type=bind,dst=/dst', /source is required|Source must not be empty/],
    ['type=bind,src=rel,dst=/dst', /must be absolute/],
    ['type=bind,src=/no/such/place,dst=/dst', /bind source path does not exist: \/no\/such\/place/],
    ['type=tmpfs,src=/x,dst=/dst', /tmpfs/],
    ['type=floppy,dst=/dst', /floppy/],
    ['"type=bind,src=/tmp,dst=/dst', /a quote is not closed/],
    ['type=bind,src=/t"mp",dst=/dst', /a quote is not closed/],
    ['dst=/dst,colour=red', /unexpected key 'colour'/],
  ])('%s is refused', (text, words) => {
    expect(() => parseMount(text)).toThrow(words);
  });
});

test('--tmpfs', () => {
  expect(parseTmpfs('/run')).toMatchObject({ type: 'tmpfs', target: '/run', readOnly: false, options: [] });
  expect(parseTmpfs('/run:ro,size=64m,exec')).toMatchObject({
    readOnly: true,
    options: ['size=64m', 'exec'],
  });
  expect(() => parseTmpfs('run')).toThrow(/must be absolute/);
});

describe('with an image', () => {
  const request = { image: 'x', args: [], attachStdin: false, attachStdout: true, attachStderr: true };

  test('its volumes become anonymous ones, except where a flag mounts something', () => {
    const defaults = { Volumes: { '/data': {}, '/cache/': {} } };
    const found = mountRequests({ ...request, volume: ['/tmp:/cache'] }, defaults);
    expect(found.map(({ type, target }) => [type, target])).toEqual([
      ['bind', '/cache'],
      ['volume', '/data'],
    ]);
  });

  test('two mounts on one place are refused', () => {
    expect(() => mountRequests({ ...request, volume: ['/tmp:/x'], tmpfs: ['/x/'] }, {})).toThrow(
      'Duplicate mount point: /x',
    );
  });
});
