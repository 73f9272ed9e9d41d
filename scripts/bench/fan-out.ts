/**
 * `events` in many processes at once, and one `kill`: how long until the last of them has printed its line. Runs inside
 * a throw-away host, prints one line of JSON and ends with its followers.
 *
 * Nobody says when a follower listens: so signals go to the first container until each follower has printed one, and
 * the one that counts goes to the second.
 */
export interface FanOutRequest {
  readonly follow: readonly string[];
  readonly followers: number;
  /** The words before the container's name. */
  readonly kill: readonly string[];
  readonly first: string;
  readonly second: string;
}

/** Milliseconds until the last line; below zero when that was there before `kill` had ended. */
export interface FanOut {
  readonly fromStart: number;
  readonly fromReturn: number;
}

/** Milliseconds. */
const ONE_MORE = 250;
const PATIENCE = 60_000;

class Follower {
  private readonly program;
  private text = '';
  private wake: () => void = () => undefined;

  constructor(argv: readonly string[]) {
    this.program = Bun.spawn([...argv], { stdin: 'ignore', stdout: 'pipe', stderr: 'inherit' });
    void this.read();
  }

  /** When the line of that container came; undefined if it does not within that time. */
  line(container: string, patience: number): Promise<number | undefined> {
    const pattern = new RegExp(`\\bname=${container}[,)].*\\n`);
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(undefined), patience);
      this.wake = () => {
        if (!pattern.test(this.text)) return;
        clearTimeout(timer);
        resolve(performance.now());
      };
      this.wake();
    });
  }

  async end(): Promise<void> {
    this.program.kill('SIGKILL');
    await this.program.exited;
  }

  private async read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.program.stdout) {
      this.text += decoder.decode(chunk, { stream: true });
      this.wake();
    }
  }
}

async function measure({ follow, followers, kill, first, second }: FanOutRequest): Promise<FanOut> {
  const all = Array.from({ length: followers }, () => new Follower(follow));
  const run = async (container: string): Promise<void> => {
    const exitCode = await Bun.spawn([...kill, container], { stdout: 'ignore' }).exited;
    if (exitCode !== 0) throw new Error(`exit status ${exitCode}: ${kill.join(' ')} ${container}`);
  };
  const lines = (container: string, patience: number) =>
    Promise.all(all.map((follower) => follower.line(container, patience)));
  try {
    for (const from = performance.now(); ;) {
      await run(first);
      if (!(await lines(first, ONE_MORE)).includes(undefined)) break;
      if (performance.now() - from > PATIENCE) throw new Error(`${follow.join(' ')} prints nothing`);
    }
    const coming = lines(second, PATIENCE);
    const start = performance.now();
    await run(second);
    const end = performance.now();
    const times = await coming;
    const known = times.filter((time) => time !== undefined);
    if (known.length < times.length)
      throw new Error(`${times.length - known.length} followers missed a line`);
    const last = Math.max(...known);
    return { fromStart: last - start, fromReturn: last - end };
  } finally {
    await Promise.all(all.map((follower) => follower.end()));
  }
}

const result = await measure(JSON.parse(process.argv[2] ?? '{}') as FanOutRequest);
process.stdout.write(`${JSON.stringify(result)}\n`);
