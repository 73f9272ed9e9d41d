/**
 * Differences between Docker and minidock that are known, each with its reason. `meant` ones stay; the others are faults
 * that are not repaired yet. The first entry that fits a line is printed.
 */
export interface Known {
  readonly line: RegExp;
  readonly reason: string;
  readonly meant: boolean;
}

const meant = (line: RegExp, reason: string): Known => ({ line, reason, meant: true });
const fault = (line: RegExp, reason: string): Known => ({ line, reason, meant: false });

export const KNOWN: readonly Known[] = [
  meant(
    / ''$/,
    'an empty name leads Docker to the address of a list; minidock says that there is no such container',
  ),
  meant(
    /^(rmi|history|save) (UPPER|nosuch:1)$/,
    'minidock says that there is no such image, in one way for all verbs',
  ),
  meant(
    /^exec (box nosuch|-u nosuch|-w)/,
    'Docker 26 prints an error of exec on standard output; minidock prints none there',
  ),
  meant(/^logs --tail x/, 'Docker takes what is no number for all; minidock refuses it'),
  meant(/^port box 80$/, 'the protocol is named'),
  meant(
    /--blkio-weight/,
    'Docker discards the weight with a warning where the kernel has none; minidock refuses it',
  ),
  meant(/--io-max(iops|bandwidth) x|--kernel-memory x/, 'the flag is refused before its value is read'),
  meant(/--cpu-shares -1/, 'minidock says what is wrong with it'),
  meant(/--device \/dev\/nosuch/, 'a container that cannot be made ends with status 125'),
  meant(/--device x /, 'named by the flag'),
  meant(/--user (nosuch|0:nosuch)|--ulimit nofile=5|--tmpfs \/t:foo/, 'minidock names the step that failed'),
  meant(/--userns x/, 'minidock knows more modes, and names them'),
  meant(/--volume x:y/, 'Docker takes a relative path; minidock refuses it'),
  meant(
    /--(ip x|log-driver|mount x|volume :|sysctl x|expose|tmpfs x|publish 1:2)/,
    'one line says what is wrong',
  ),
  meant(/--ipc container: /, 'a mode without a name is no mode'),
  meant(/--name box|^rename/, 'what to do next is a line of its own, the hint'),
  meant(/^tag test UPPER/, 'one line says what is wrong'),
  meant(/--privileged/, 'Docker cannot do it in this throw-away host'),
  meant(/^run --rm test \/etc$/, 'the kernel’s words once, without "unknown"'),
  meant(/^start nosuch gone/, 'Docker looks while the program, which ends at once, still runs'),
  meant(/^volume create "a b"/, 'the advice is a line of its own, the hint'),
  fault(
    /--uts host test|--sysctl net\.ipv4\.ip_forward/,
    'the output of Docker’s is lost now and then in this throw-away host; why is not known',
  ),
  meant(/^start -a made/, 'Docker’s state lags behind the end of the command'),
  meant(/^ps --format/, 'errors of templates name minidock’s types'),
  meant(/^exec two true/, 'minidock names a container that cannot be used by its id, in every state'),
  meant(/^images --format/, 'images of the same moment come in no particular order'),
];
