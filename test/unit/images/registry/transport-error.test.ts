import { expect, test } from '@jest/globals';
import { describeFailure, TransportError } from '../../../../images/registry/transport-error.ts';

const request = { method: 'GET', url: new URL('https://reg.example/v2/?signature=secret') };
const failure = (code: string): Error => Object.assign(new Error(`reason ${code}`), { code });

test.each([
  ['ECONNREFUSED', 'dial tcp reg.example:443: connect: connection refused', false],
  ['ENOTFOUND', 'dial tcp: lookup reg.example: no such host', false],
  ['EAI_AGAIN', 'dial tcp: lookup reg.example: temporary failure in name resolution', false],
  ['EHOSTUNREACH', 'dial tcp reg.example:443: connect: EHOSTUNREACH', false],
  ['EPROTO', 'http: server gave HTTP response to HTTPS client', false],
  [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'tls: failed to verify certificate: certificate signed by unknown authority',
    false,
  ],
  ['CERT_HAS_EXPIRED', 'tls: failed to verify certificate: certificate has expired', false],
  ['ECONNRESET', 'connection reset by peer', true],
  ['EWHATEVER', 'reason EWHATEVER', true],
])('%s', (code, words, retryable) => {
  const error = describeFailure(failure(code), request, undefined);
  // Never the query: a presigned URL is a secret.
  expect(error.message).toBe(`Get "https://reg.example/v2/": ${words}`);
  expect(error instanceof TransportError && error.retryable).toBe(retryable);
});

test('a limit that was passed', () => {
  expect(describeFailure(failure('ABORT'), request, 30_000).message).toBe(
    'Get "https://reg.example/v2/": reg.example:443 sent nothing for 30 s',
  );
});
