import { expect, test } from '@jest/globals';
import {
  choosePlatform,
  fitsPlatform,
  formatPlatform,
  hostPlatform,
  parsePlatform,
} from '../../../images/platform.ts';
import type { Descriptor } from '../../../images/types.ts';

function index(...platforms: string[]): readonly Descriptor[] {
  return platforms.map((text) => {
    const [os = '', architecture = '', variant] = text.split('/');
    const platform = { os, architecture, ...(variant === undefined ? {} : { variant }) };
    return { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: text, size: 1, platform };
  });
}

test.each([
  ['linux/amd64', ['linux/arm64', 'linux/amd64'], 'linux/amd64'],
  ['linux/arm64', ['linux/amd64', 'linux/arm64/v8'], 'linux/arm64/v8'],
  ['linux/arm64/v8', ['linux/arm64'], 'linux/arm64'],
  ['linux/amd64/v3', ['linux/amd64', 'linux/amd64/v2'], 'linux/amd64/v2'],
  ['linux/amd64/v3', ['linux/amd64', 'linux/amd64/v3'], 'linux/amd64/v3'],
  ['linux/amd64', ['linux/amd64/v3'], undefined],
  ['linux/arm', ['linux/arm/v5', 'linux/arm/v6'], 'linux/arm/v6'],
  ['linux/arm/v7', ['linux/arm/v8', 'linux/arm/v7'], 'linux/arm/v7'],
  ['linux/arm64', ['linux/arm/v7'], undefined],
  ['linux/amd64', ['windows/amd64', 'unknown/unknown'], undefined],
  ['linux/s390x', ['linux/ppc64le', 'linux/s390x'], 'linux/s390x'],
  ['linux/arm/v7', ['linux/arm/v5'], 'linux/arm/v5'],
  ['linux/arm/v7', ['linux/arm/v4'], undefined],
  ['linux/arm64/v9', ['linux/arm64/v7'], undefined],
  ['linux/amd64/v10', ['linux/amd64/v9'], 'linux/amd64/v9'],
  ['linux/amd64/x3', ['linux/amd64/v2', 'linux/amd64'], 'linux/amd64'],
  ['linux/amd64/xv3', ['linux/amd64/v2', 'linux/amd64'], 'linux/amd64'],
  ['linux/amd64/v3x', ['linux/amd64/v2', 'linux/amd64'], 'linux/amd64'],
  ['linux/amd64/v1e1', ['linux/amd64/v2', 'linux/amd64'], 'linux/amd64'],
  ['linux/amd64/v4000000000', ['linux/amd64/v2', 'linux/amd64'], 'linux/amd64'],
])('for %s out of %j comes %s', (wanted, entries, chosen) => {
  expect(choosePlatform(index(...entries), parsePlatform(wanted))?.digest).toBe(chosen);
});

test('an entry that names no platform fits none; an empty variant is none', () => {
  const nameless = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: 'x', size: 1 };
  expect(choosePlatform([nameless], parsePlatform('linux/amd64'))).toBeUndefined();
  const entry = { ...nameless, platform: { os: 'linux', architecture: 'amd64', variant: '' } };
  expect(choosePlatform([entry], parsePlatform('linux/amd64'))).toBe(entry);
});

test.each([
  ['linux/x86_64', 'linux/amd64'],
  ['linux/x86-64', 'linux/amd64'],
  ['linux/amd64/v1', 'linux/amd64'],
  ['linux/arm64/8', 'linux/arm64'],
  ['linux/arm64/v9', 'linux/arm64/v9'],
  ['linux/arm/6', 'linux/arm/v6'],
  ['linux/arm/v6', 'linux/arm/v6'],
  ['armel', 'linux/arm/v6'],
  ['macos/arm64', 'darwin/arm64'],
  ['aarch64', 'linux/arm64'],
  ['linux/arm64/v8', 'linux/arm64'],
  ['linux/arm', 'linux/arm/v7'],
  ['i386', 'linux/386'],
  ['armhf', 'linux/arm/v7'],
  ['darwin', formatPlatform({ ...hostPlatform(), os: 'darwin' })],
])('%s is %s', (text, normal) => {
  expect(formatPlatform(parsePlatform(text))).toBe(normal);
});

const MUST = 'platform specifier component must match "^[A-Za-z0-9_-]+$"';

test.each([
  ['', `"" is an invalid component of "": ${MUST}`],
  ['/', `"" is an invalid component of "/": ${MUST}`],
  ['linux/', `"" is an invalid component of "linux/": ${MUST}`],
  ['a/b/c/d', '"a/b/c/d": cannot parse platform specifier'],
  ['linux/amd 64', `"amd 64" is an invalid component of "linux/amd 64": ${MUST}`],
  ['linux/a.b', `"a.b" is an invalid component of "linux/a.b": ${MUST}`],
  ['x', '"x": unknown operating system or architecture'],
])('%j is refused', (text, words) => {
  expect(() => parsePlatform(text)).toThrow(
    expect.objectContaining({ code: 'INVALID_PLATFORM', message: `${words}: invalid argument` }),
  );
});

test('a platform without a variant has no such field', () => {
  expect(parsePlatform('linux/amd64')).toStrictEqual({ os: 'linux', architecture: 'amd64' });
  expect(parsePlatform('linux/s390x')).toStrictEqual({ os: 'linux', architecture: 's390x' });
});

test("the host's own platform is in Go's words", () => {
  expect(formatPlatform(hostPlatform('x64'))).toBe('linux/amd64');
  expect(formatPlatform(hostPlatform('arm64'))).toBe('linux/arm64');
  expect(formatPlatform(hostPlatform('ia32'))).toBe('linux/386');
  expect(formatPlatform(hostPlatform('mips'))).toBe('linux/mips');
  expect(formatPlatform(hostPlatform('mipsel'))).toBe('linux/mipsle');
  expect(formatPlatform(hostPlatform('ppc64'))).toBe('linux/ppc64le');
});

test('an image for another processor does not fit', () => {
  expect(
    fitsPlatform({ os: 'linux', architecture: 'arm64', variant: 'v8' }, parsePlatform('linux/arm64')),
  ).toBe(true);
  expect(fitsPlatform({ os: 'linux', architecture: 'arm64' }, parsePlatform('linux/amd64'))).toBe(false);
});

test('an image for an older processor of the kind fits', () => {
  expect(fitsPlatform({ os: 'linux', architecture: 'amd64' }, parsePlatform('linux/amd64/v3'))).toBe(true);
});
