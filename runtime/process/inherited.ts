/**
 * What PID 1 of a container with a user namespace of its own inherits, by number. It is an unprivileged user on the
 * host: minidock's directories are closed to it, and so may be the one that its program file is in. A descriptor
 * opens what a name would not.
 */
export const INHERITED = {
  /** minidock's own program file. */
  binary: 3,
  /** The supervisor's socket (O_PATH), to be connected to. */
  socket: 4,
  /** Where the supervisor sends its bundle and its mounts as descriptors. */
  descriptors: 5,
} as const;

export const pathOf = (fd: number): string => `/proc/self/fd/${String(fd)}`;

/** In place of the bundle's directory: it comes as a descriptor. */
export const HANDED_BUNDLE = `fd:${String(INHERITED.descriptors)}`;

/** In `begin`, the name of the descriptor that is the bundle's config.json; the others have a step's. */
export const BUNDLE = 'bundle';
