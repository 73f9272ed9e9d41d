/**
 * A registry's refusal put into Docker's words. The body of an error answer is a list of codes and messages
 * (distribution-spec, "Error codes"); proxies in between answer with pages of HTML, of which only the status tells.
 */
import { ImageError } from '../errors.ts';
import { tryForeign } from '../foreign/read.ts';
import { errorAnswer } from '../foreign/registry-shapes.ts';
import { familiarName, familiarRepository, type Reference } from '../reference.ts';
import { parseRetryAfter } from './retry.ts';
import { TransportError } from './transport-error.ts';
import type { TransportResponse } from './transport.ts';

const MAX_ERROR_BODY = 64 << 10;

/** Consumes the response's body. `what` is the thing asked for: 'manifest' or 'blob sha256:…'. */
export async function describeRefusal(
  response: TransportResponse,
  reference: Reference,
  what: string,
): Promise<ImageError> {
  const { status } = response;
  const said = await readErrors(response);
  if (status === 429 || status >= 500) {
    const retryAfterMs = parseRetryAfter(response.header('retry-after'));
    return new TransportError({
      code: status === 429 ? 'TOO_MANY_REQUESTS' : 'REGISTRY_ERROR',
      message:
        status === 429
          ? (said ?? 'toomanyrequests: the registry refuses further requests for now')
          : `received unexpected HTTP status: ${String(status)} from ${response.url.origin}${said === undefined ? '' : `: ${said}`}`,
      hint: status === 429 ? 'wait a while, or log in: registries allow known users more' : 'try again later',
      retryable: true,
      retryAfterMs,
    });
  }
  if (status === 401 || status === 403) return pullDenied(reference, said ?? `HTTP status ${String(status)}`);
  if (status === 404 && what === 'manifest') {
    return new ImageError({
      code: 'MANIFEST_UNKNOWN',
      message: said?.startsWith('name unknown')
        ? `repository ${familiarRepository(reference)} not found: ${said}`
        : `manifest for ${familiarName(reference)} not found: ${said ?? 'manifest unknown'}`,
      hint: 'check the name and the tag',
    });
  }
  return new ImageError({
    code: status === 404 ? 'BLOB_UNKNOWN' : 'REGISTRY_ERROR',
    message: `${what} of ${familiarName(reference)}: ${response.url.origin} answered with HTTP status ${String(status)}${said === undefined ? '' : `: ${said}`}`,
  });
}

export function pullDenied(reference: Reference, why: string, cause?: unknown): ImageError {
  const name = familiarRepository(reference);
  return new ImageError({
    code: 'PULL_DENIED',
    message: `pull access denied for ${name}, repository does not exist or may require 'minidock login': ${why}`,
    cause,
  });
}

/** 'manifest unknown: manifest unknown', as Docker spells an error of the registry. */
export async function readErrors(response: TransportResponse): Promise<string | undefined> {
  let text: string;
  try {
    text = (await response.bytes(MAX_ERROR_BODY)).toString('utf8');
  } catch {
    // The status alone must do: the answer is an error already, and a broken body makes it no worse.
    return undefined;
  }
  // Something else is not the registry's own answer: HTML of a proxy, or nothing.
  const error = tryForeign(errorAnswer, text)?.errors[0];
  if (error === undefined) return undefined;
  const { code, message = '' } = error;
  const spelt = code.toLowerCase().replaceAll('_', ' ');
  return message === '' ? spelt : `${spelt}: ${message}`;
}
