import { describe, expect, test } from '@jest/globals';
import { applyChanges } from '../../../../images/archives/changes.ts';

const apply = (...changes: readonly string[]) => applyChanges({}, changes);

describe('--change', () => {
  test.each([
    ['CMD ["httpd","-f"]', { Cmd: ['httpd', '-f'] }],
    ['cmd httpd -f', { Cmd: ['/bin/sh', '-c', 'httpd -f'] }],
    ['CMD [ "$x" = 1 ]', { Cmd: ['/bin/sh', '-c', '[ "$x" = 1 ]'] }],
    ['ENTRYPOINT ["/init"]', { Entrypoint: ['/init'] }],
    ['ENV A=1 B="two words" C=x\\ y', { Env: ['A=1', 'B=two words', 'C=x y'] }],
    ['ENV Q=\'single "inside"\'', { Env: ['Q=single "inside"'] }],
    ['ENV OLD the rest is   the value', { Env: ['OLD=the rest is   the value'] }],
    ['LABEL "a b"="c d" e=', { Labels: { 'a b': 'c d', e: '' } }],
    ['EXPOSE 80 443/TCP 53/udp', { ExposedPorts: { '80/tcp': {}, '443/tcp': {}, '53/udp': {} } }],
    ['EXPOSE 8000-8002', { ExposedPorts: { '8000/tcp': {}, '8001/tcp': {}, '8002/tcp': {} } }],
    ['VOLUME ["/a b", "/c"]', { Volumes: { '/a b': {}, '/c': {} } }],
    ['VOLUME /a /b', { Volumes: { '/a': {}, '/b': {} } }],
    ['USER www-data:www-data', { User: 'www-data:www-data' }],
    ['WORKDIR /srv', { WorkingDir: '/srv' }],
    ['STOPSIGNAL SIGQUIT', { StopSignal: 'SIGQUIT' }],
  ])('%s', (change, config) => {
    expect(apply(change)).toEqual(config);
  });

  test('one after the other', () => {
    expect(
      apply('ENV A=1 B=2', 'ENV A=3', 'WORKDIR /a', 'WORKDIR b/../c', 'CMD ["x"]', 'ENTRYPOINT ["e"]'),
    ).toEqual({
      Env: ['B=2', 'A=3'],
      WorkingDir: '/a/c',
      Cmd: ['x'],
      Entrypoint: ['e'],
    });
  });

  test.each([
    ['RUN make', /RUN is not a valid change command/],
    ['', /not a valid change command/],
    ['CMD', /CMD requires at least one argument/],
    ['ENV A', /must have two arguments/],
    ['ENV A=1 B', /can't find = in "B"/],
    ['EXPOSE http', /"http" is not a port/],
    ['EXPOSE 0', /is not a port/],
    ['EXPOSE 80/icmp', /is not a port/],
    ['EXPOSE 90-80', /is not a port/],
    ['USER a b', /exactly one argument/],
  ])('%s is refused', (change, message) => {
    expect(() => apply(change)).toThrow(message);
  });
});
