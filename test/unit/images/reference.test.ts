import { describe, expect, test } from '@jest/globals';
import {
  familiarName,
  familiarRepository,
  formatReference,
  fullName,
  isDigest,
  parseReference,
  repositoryName,
  withDigest,
} from '../../../images/reference.ts';

const hex = '7cc4b5aefd1d0cadf8d97d4350462ba51c694ebca145b08d7d41b41acc8db5aa';
const digest = `sha256:${hex}`;

/** Text, normalised, familiar: the cases that distribution/reference documents for normalisation. */
const valid: readonly (readonly [string, string, string])[] = [
  ['nginx', 'docker.io/library/nginx:latest', 'nginx:latest'],
  ['nginx:1.27', 'docker.io/library/nginx:1.27', 'nginx:1.27'],
  ['library/nginx', 'docker.io/library/nginx:latest', 'nginx:latest'],
  ['docker.io/nginx', 'docker.io/library/nginx:latest', 'nginx:latest'],
  ['docker.io/library/nginx', 'docker.io/library/nginx:latest', 'nginx:latest'],
  ['index.docker.io/nginx', 'docker.io/library/nginx:latest', 'nginx:latest'],
  ['demo/web', 'docker.io/demo/web:latest', 'demo/web:latest'],
  ['library/foo/bar', 'docker.io/library/foo/bar:latest', 'library/foo/bar:latest'],
  ['localhost/web', 'localhost/web:latest', 'localhost/web:latest'],
  ['localhost:5000/web', 'localhost:5000/web:latest', 'localhost:5000/web:latest'],
  ['127.0.0.1:5000/a/b/c:x', '127.0.0.1:5000/a/b/c:x', '127.0.0.1:5000/a/b/c:x'],
  ['[::1]:5000/web', '[::1]:5000/web:latest', '[::1]:5000/web:latest'],
  ['[2001:db8::1]/web:1', '[2001:db8::1]/web:1', '[2001:db8::1]/web:1'],
  ['quay.io/org/app:v1.2_3-x', 'quay.io/org/app:v1.2_3-x', 'quay.io/org/app:v1.2_3-x'],
  ['Registry/web', 'Registry/web:latest', 'Registry/web:latest'],
  ['xn--n3h.com/myimage', 'xn--n3h.com/myimage:latest', 'xn--n3h.com/myimage:latest'],
  ['foo__bar/a.b-c', 'docker.io/foo__bar/a.b-c:latest', 'foo__bar/a.b-c:latest'],
  ['foo---bar', 'docker.io/library/foo---bar:latest', 'foo---bar:latest'],
  [`nginx@${digest}`, `docker.io/library/nginx@${digest}`, `nginx@${digest}`],
  [`nginx:1@${digest}`, `docker.io/library/nginx:1@${digest}`, `nginx:1@${digest}`],
  [`a:5000/b@${digest}`, `a:5000/b@${digest}`, `a:5000/b@${digest}`],
  ['nginx:UPPER', 'docker.io/library/nginx:UPPER', 'nginx:UPPER'],
  [`${hex}:tag`, `docker.io/library/${hex}:tag`, `${hex}:tag`],
  // The longest path: 255 characters with the 'library/' of Docker Hub.
  ['x'.repeat(247), `docker.io/library/${'x'.repeat(247)}:latest`, `${'x'.repeat(247)}:latest`],
  [hex.slice(1), `docker.io/library/${hex.slice(1)}:latest`, `${hex.slice(1)}:latest`],
];

test.each(valid)('%s reads as %s', (text, full, familiar) => {
  const reference = parseReference(text);
  expect(formatReference(reference)).toBe(full);
  expect(familiarName(reference)).toBe(familiar);
  expect(parseReference(familiarName(reference))).toEqual(reference);
});

const refused: readonly (readonly [string, string])[] = [
  ['', 'invalid reference format'],
  [':justtag', 'invalid reference format'],
  [`@${digest}`, 'invalid reference format'],
  ['Uppercase:tag', 'invalid reference format: repository name (library/Uppercase) must be lowercase'],
  ['demo/Web', 'invalid reference format: repository name (demo/Web) must be lowercase'],
  [
    // A document of a registry or of an archive may say anything: the message stays short.
    `${'x'.repeat(500)}X`,
    `invalid reference format: repository name (library/${'x'.repeat(247)}) must be lowercase`,
  ],
  ['docker.io/docker/Docker', 'invalid reference format: repository name (docker/Docker) must be lowercase'],
  [hex, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
  ['a//b', 'invalid reference format'],
  ['a/', 'invalid reference format'],
  ['-foo', 'invalid reference format'],
  ['foo-', 'invalid reference format'],
  ['foo..bar', 'invalid reference format'],
  ['foo___bar', 'invalid reference format'],
  ['foo/bar:', 'invalid reference format'],
  ['foo:-x', 'invalid reference format'],
  [`foo:${'a'.repeat(129)}`, 'invalid reference format'],
  ['foo bar', 'invalid reference format'],
  ['https://github.com/docker/docker', 'invalid reference format'],
  ['[2001:db8::1/web', 'invalid reference format'],
  ['nginx@sha256:abc', 'invalid reference format'],
  [`nginx@sha256:${hex.slice(0, 40)}`, 'invalid checksum digest length'],
  [`nginx@sha256:A${hex.slice(1)}`, 'invalid checksum digest format'],
  [`nginx@sha256:${hex.slice(1)}A`, 'invalid checksum digest format'],
  ['docker.io/', 'invalid reference format'],
  [`nginx@md5:${hex.slice(0, 32)}`, 'unsupported digest algorithm'],
  ['a/'.repeat(130) + 'a', 'repository name must not be more than 255 characters'],
];

test.each(refused)('%s is refused', (text, message) => {
  expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'INVALID_REFERENCE', message }));
});

describe('parts', () => {
  test('a digest alone gets no tag, since nothing was said of one', () => {
    expect(parseReference(`nginx@${digest}`)).toEqual({ domain: 'docker.io', path: 'library/nginx', digest });
  });

  test('a tag alone gets no digest, not even an empty field', () => {
    expect(parseReference('nginx')).toStrictEqual({
      domain: 'docker.io',
      path: 'library/nginx',
      tag: 'latest',
    });
  });

  test('a name has its tag where Docker speaks of it, and what is no name stays as it is', () => {
    expect(fullName('nginx')).toBe('nginx:latest');
    expect(fullName('UPPER/Case!')).toBe('UPPER/Case!');
    expect(fullName(hex)).toBe(hex);
  });

  test.each([
    [digest, true],
    [hex, false],
    [`x${digest}`, false],
    [`${digest}0`, false],
    [digest.slice(0, -1), false],
    [`sha256:${'x'.repeat(64)}`, false],
  ])('%s is a digest: %s', (text, expected) => {
    expect(isDigest(text)).toBe(expected);
  });

  test('repository names, full and familiar', () => {
    const reference = parseReference('nginx:1');
    expect(repositoryName(reference)).toBe('docker.io/library/nginx');
    expect(familiarRepository(reference)).toBe('nginx');
    expect(formatReference(withDigest(reference, digest))).toBe(`docker.io/library/nginx@${digest}`);
  });
});
