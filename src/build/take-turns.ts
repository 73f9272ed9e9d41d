/**
 * A RUN starts while the container of the one before is removed, so for a moment there are two. Where there is only one
 * of something, such as a free address in a small network, the second waits for the first.
 */
export async function takeTurns<T>(
  removals: readonly Promise<unknown>[],
  attempt: (isSecond: boolean) => Promise<T>,
): Promise<T> {
  try {
    return await attempt(false);
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'NO_ADDRESS' || removals.length === 0) throw error;
    await Promise.all(removals);
    return attempt(true);
  }
}
