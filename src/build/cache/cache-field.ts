/** The field of an image's configuration that says for which keys its layers were made (cache-image.ts). */
export const CACHE_FIELD = 'minidock.buildcache.v1';
