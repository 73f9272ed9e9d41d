/**
 * What registries, credential helpers and Docker's own configuration file say besides images. Unknown fields are kept:
 * `login` writes Docker's file back with everything in it.
 */
import type { AuthEntry, DockerConfig } from '../registry/docker-config.ts';
import { fields, flag, listOf, mapOf, optional, size, text, value } from './shape.ts';

/** A string that goes into a header as it is: RFC 7230 has no control characters there. */
const token = value<string>(
  'a token in visible ASCII',
  'tokens',
  (found) => typeof found === 'string' && /^[\x21-\x7e]*$/.test(found),
);

/** distribution's token authentication; `access_token` is OAuth2's name for the same. */
export const tokenAnswer = fields<{
  token?: string;
  access_token?: string;
  expires_in?: number;
}>({
  token: optional(token),
  access_token: optional(token),
  expires_in: optional(value('a number', 'numbers', (found) => typeof found === 'number')),
});

/** Why a token was refused, where anything is said. */
export const tokenRefusal = fields<{ details?: string; error_description?: string }>({
  details: optional(text),
  error_description: optional(text),
});

/** distribution-spec, "Error codes". */
export const errorAnswer = fields<{ errors: readonly { code: string; message?: string }[] }>({
  errors: listOf(fields<{ code: string; message?: string }>({ code: text, message: optional(text) })),
});

/** A repository without tags says null. */
export const tagList = fields<{ tags?: readonly string[] | null }>({
  tags: optional(listOf(text)),
});

/** One of the results of `GET /v1/search`. */
export interface FoundRepository {
  readonly name: string;
  readonly description?: string | null;
  readonly star_count?: number | null;
  readonly is_official?: boolean | null;
  readonly is_automated?: boolean | null;
}

export const searchAnswer = fields<{ results?: readonly FoundRepository[] | null }>({
  results: optional(
    listOf(
      fields<FoundRepository>({
        name: text,
        description: optional(text),
        star_count: optional(size),
        is_official: optional(flag),
        is_automated: optional(flag),
      }),
      1000,
    ),
  ),
});

/** docker-credential-helpers, "Development of a credential helper". */
export const helperAnswer = fields<{ Username?: string; Secret?: string }>({
  Username: optional(text),
  Secret: optional(text),
});

export const dockerConfig = fields<DockerConfig>({
  auths: optional(
    mapOf(
      fields<AuthEntry>({
        auth: optional(text),
        username: optional(text),
        password: optional(text),
        identitytoken: optional(text),
      }),
    ),
  ),
  credsStore: optional(text),
  credHelpers: optional(mapOf(text)),
});
