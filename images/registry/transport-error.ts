/**
 * Failures below HTTP, in Docker's words, and whether a retry may help. The codes are Node's; Bun's fetch uses the
 * same ones.
 */
import { ImageError } from '../errors.ts';

interface Exchange {
  readonly method: string;
  readonly url: URL;
}

/** A failure below HTTP, or an answer that asks to come back later. */
export class TransportError extends ImageError {
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(
    parts: ConstructorParameters<typeof ImageError>[0] & {
      retryable?: boolean;
      retryAfterMs?: number | undefined;
    },
  ) {
    super(parts);
    this.retryable = parts.retryable ?? false;
    this.retryAfterMs = parts.retryAfterMs;
  }
}

const certificateErrors: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'certificate signed by unknown authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'certificate signed by unknown authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT: 'certificate signed by unknown authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'certificate signed by unknown authority',
  ERR_TLS_CERT_ALTNAME_INVALID: 'certificate is valid for another name',
  CERT_HAS_EXPIRED: 'certificate has expired',
  CERT_NOT_YET_VALID: 'certificate is not yet valid',
};

/** `expired`: milliseconds of the limit that was passed, if one was. */
export function describeFailure(error: unknown, request: Exchange, expired: number | undefined): ImageError {
  const { code = '', message = '' } = error as { code?: string; message?: string };
  const { url } = request;
  const address = `${url.hostname}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`;
  const unreachable = (why: string, hint: string): TransportError =>
    new TransportError({
      code: 'REGISTRY_UNREACHABLE',
      message: `${spell(request)}: ${why}`,
      hint,
      cause: error,
    });
  if (expired !== undefined) {
    return new TransportError({
      code: 'REGISTRY_TIMEOUT',
      message: `${spell(request)}: ${address} sent nothing for ${String(expired / 1000)} s`,
      hint: 'check the network between here and the registry, and whether a proxy is needed (HTTPS_PROXY)',
      retryable: true,
      cause: error,
    });
  }
  if (code in certificateErrors) {
    return new TransportError({
      code: 'REGISTRY_TLS',
      message: `${spell(request)}: tls: failed to verify certificate: ${certificateErrors[code] ?? code}`,
      hint: `give its authority's certificate with NODE_EXTRA_CA_CERTS=FILE, or name ${url.host} in MINIDOCK_INSECURE_REGISTRIES`,
      cause: error,
    });
  }
  switch (code) {
    case 'ECONNREFUSED':
      return unreachable(
        `dial tcp ${address}: connect: connection refused`,
        'is the registry running there?',
      );
    case 'ENOTFOUND':
      return unreachable(`dial tcp: lookup ${url.hostname}: no such host`, "check the registry's name");
    case 'EAI_AGAIN':
      return unreachable(
        `dial tcp: lookup ${url.hostname}: temporary failure in name resolution`,
        'check the network and /etc/resolv.conf',
      );
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return unreachable(`dial tcp ${address}: connect: ${code}`, 'check the route to the registry');
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
      return new TransportError({
        code: 'REGISTRY_TLS',
        message: `${spell(request)}: http: server gave HTTP response to HTTPS client`,
        hint: `if ${url.host} is meant to be reached without TLS, name it in MINIDOCK_INSECURE_REGISTRIES`,
        cause: error,
      });
    default:
      return new TransportError({
        code: 'CONNECTION_BROKEN',
        message: `${spell(request)}: ${code === 'ECONNRESET' ? 'connection reset by peer' : message || String(error)}`,
        hint:
          request.method === 'PUT'
            ? 'try again; layers that the registry has are not sent again'
            : 'try again; what was downloaded so far is kept',
        retryable: true,
        cause: error,
      });
  }
}

/** 'Get "https://…"', without a query: a presigned URL is a secret. */
export function spell({ method, url }: Exchange): string {
  const verb = method.charAt(0) + method.slice(1).toLowerCase();
  return `${verb} "${url.origin}${url.pathname}"`;
}
