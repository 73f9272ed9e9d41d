/**
 * What `minidock version` says of this program. scripts/build defines the three names while it compiles; run from
 * source, under Jest for instance, they do not exist, and typeof is the one operator that may ask for such a name.
 */
declare const MINIDOCK_VERSION: string | undefined;
declare const MINIDOCK_COMMIT: string | undefined;
declare const MINIDOCK_BUILT: string | undefined;

export const version: string = typeof MINIDOCK_VERSION === 'string' ? MINIDOCK_VERSION : '0.0.0-source';

/** Twelve hex digits of the git commit, with '-changed' behind when the tree had changes; 'unknown' without git. */
export const commit: string = typeof MINIDOCK_COMMIT === 'string' ? MINIDOCK_COMMIT : 'unknown';

/** RFC 3339: the time of that commit, so that building it again gives the same bytes. */
export const built: string = typeof MINIDOCK_BUILT === 'string' ? MINIDOCK_BUILT : '1970-01-01T00:00:00Z';
