/** Waiting, without the 0.6 ms of each process that loading node:timers/promises for it takes. */
export const delay = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
