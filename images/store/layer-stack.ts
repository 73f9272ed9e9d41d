/**
 * The directories of an image's layers as overlayfs takes them. An image may list the same layer more than once:
 * BuildKit writes the same empty layer for each WORKDIR that exists, and a build may copy the same file twice.
 * overlayfs refuses the same directory twice (ELOOP, "too many levels of symbolic links").
 *
 * Only the topmost one counts, whatever lies between the two. Where the upper one has a file, a whiteout or an opaque
 * directory, nothing below is asked. Where it has a directory that is merged with those below, the lower one has
 * the same directory with the same names in it, and the upper one has answered for each of them. So the lower one can
 * neither add a name nor hide one. What a layer takes from those below it (overrides.ts) differs each time, and has
 * a directory of its own each time.
 */

/** Both base first. */
export function withoutRepeats(dirs: readonly string[]): readonly string[] {
  return [...new Set([...dirs].reverse())].reverse();
}
