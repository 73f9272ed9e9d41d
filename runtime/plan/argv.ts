/** A command line: the program first, then its arguments, each one word. */
/** A program and its arguments, exactly as execve(2) gets them: a shell string exists only where one is printed. */
export type Argv = readonly [program: string, ...args: string[]];
