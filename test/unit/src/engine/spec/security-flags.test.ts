/** `--sysctl` and `--security-opt`: what may be set for a container, and what would be set for the whole machine. */
import { describe, expect, test } from '@jest/globals';
import {
  parseDevice,
  parseSysctls,
  securityOptions,
  showsSystemPaths,
} from '../../../../../src/engine/spec/security-flags.ts';

describe('--sysctl', () => {
  test('settings of the container’s own namespaces are taken', () => {
    expect(
      parseSysctls(['net.core.somaxconn=5', 'kernel.shmmax=1', 'fs.mqueue.msg_max=9'], 'bridge'),
    ).toEqual({
      'net.core.somaxconn': '5',
      'kernel.shmmax': '1',
      'fs.mqueue.msg_max': '9',
    });
    expect(parseSysctls(['net/ipv4/conf/eth0.5/rp_filter=1'], 'none')).toEqual({
      'net/ipv4/conf/eth0.5/rp_filter': '1',
    });
  });

  test.each([
    'kernel.hostname=x',
    'kernel.core_pattern=|/x',
    'kernel/panic=1',
    'kernel.shmmax.x=1',
    'vm.swappiness=1',
    'net..x=1',
    'net.=1',
    'net/../kernel/panic=1',
    'net.ipv4./../kernel=1',
  ])('%s is refused', (entry) => {
    const thrown = expect.objectContaining({ code: 'INVALID_FLAG', exitCode: 125 });
    expect(() => parseSysctls([entry], 'bridge')).toThrow(thrown);
  });

  test('on the host’s network its settings are the host’s', () => {
    expect(() => parseSysctls(['net.core.somaxconn=5'], 'host')).toThrow(
      'sysctl "net.core.somaxconn" not allowed in host network namespace',
    );
    expect(parseSysctls(['kernel.msgmax=5'], 'host')).toEqual({ 'kernel.msgmax': '5' });
  });

  test('without a value it is not one', () => {
    expect(() => parseSysctls(['net.core.somaxconn'], 'bridge')).toThrow('expected key=value');
  });
});

describe('--security-opt', () => {
  test('no-new-privileges in all its spellings', () => {
    const read = (option: string): boolean => securityOptions([option]).noNewPrivileges;
    expect(['no-new-privileges', 'no-new-privileges=true', 'no-new-privileges:true'].map(read)).toEqual([
      true,
      true,
      true,
    ]);
    expect(['no-new-privileges=false', 'no-new-privileges:false'].map(read)).toEqual([false, false]);
    expect(() => read('no-new-privileges:maybe')).toThrow('Invalid --security-opt');
  });

  test('labels that are never set may be switched off, not chosen', () => {
    expect(securityOptions(['apparmor=unconfined', 'label:disable']).noNewPrivileges).toBe(false);
    expect(() => securityOptions(['apparmor=docker-default'])).toThrow('not supported');
  });

  test('systempaths=unconfined shows what is hidden', () => {
    expect(showsSystemPaths({ privileged: false, securityOpt: ['systempaths=unconfined'] })).toBe(true);
    expect(showsSystemPaths({ privileged: false, securityOpt: ['label=disable'] })).toBe(false);
    expect(showsSystemPaths({ privileged: true, securityOpt: [] })).toBe(true);
  });
});

test('--device: a mode that is none is said', () => {
  expect(parseDevice('/dev/null:/dev/x:rw')).toEqual({
    host: '/dev/null',
    container: '/dev/x',
    access: 'rw',
  });
  expect(() => parseDevice('/dev/null:/dev/x:q')).toThrow('bad mode specified: q');
});
