/** Work that Ctrl-C aborts, so that it leaves nothing half done; a second Ctrl-C kills. */
export async function untilInterrupt<T>(
  error: () => Error,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const interrupt = new AbortController();
  const onSignal = (): void => interrupt.abort(error());
  process.once('SIGINT', onSignal);
  try {
    return await work(interrupt.signal);
  } finally {
    process.off('SIGINT', onSignal);
  }
}
