export function createPullProgress(_o: NodeJS.WriteStream): { event: (e: unknown) => void; finish(): void } {
  return { event: () => undefined, finish: () => undefined };
}
