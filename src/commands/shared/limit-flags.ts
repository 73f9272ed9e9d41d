/** The limits of `run` and `create`, with those that `update` changes, and what is only refused (refused-flags.ts). */
import { Option, type Command } from 'commander';
import { collect } from './verb.ts';

/** Limits that `update` can change. */
export function defineChangeableLimits(command: Command): void {
  command
    .option('-m, --memory <bytes>', 'Memory limit')
    .option('--memory-swap <bytes>', "Swap limit equal to memory plus swap: '-1' to enable unlimited swap")
    .option('--memory-reservation <bytes>', 'Memory soft limit')
    .option('--cpus <decimal>', 'Number of CPUs')
    .option('-c, --cpu-shares <int>', 'CPU shares (relative weight)')
    .option('--cpuset-cpus <string>', 'CPUs in which to allow execution (0-3, 0,1)')
    .option('--cpu-period <int>', 'Limit CPU CFS (Completely Fair Scheduler) period')
    .option('--cpu-quota <int>', 'Limit CPU CFS (Completely Fair Scheduler) quota')
    .option('--cpuset-mems <string>', 'MEMs in which to allow execution (0-3, 0,1)')
    .option('--pids-limit <int>', 'Tune container pids limit (set -1 for unlimited)');
}

export function defineLimitFlags(command: Command): void {
  defineChangeableLimits(command);
  command
    .option('--memory-swappiness <int>', 'Tune container memory swappiness (0 to 100)')
    .option('--oom-kill-disable', 'Disable OOM Killer')
    .option('--blkio-weight <uint16>', 'Block IO (relative weight), between 10 and 1000')
    .option('--blkio-weight-device <list>', 'Block IO weight (relative device weight)', collect)
    .option('--device-read-bps <list>', 'Limit read rate (bytes per second) from a device', collect)
    .option('--device-write-bps <list>', 'Limit write rate (bytes per second) to a device', collect)
    .option('--device-read-iops <list>', 'Limit read rate (IO per second) from a device', collect)
    .option('--device-write-iops <list>', 'Limit write rate (IO per second) to a device', collect)
    .option('--gpus <gpu-request>', "GPUs of CDI specifications: 'all', a number or 'device=NAME'")
    .option('--device-cgroup-rule <list>', 'Add a rule to the cgroup allowed devices list', collect)
    .option(
      '--no-disable-content-trust',
      'Refused: minidock checks images by their digests, and no signatures',
    );
  for (const flag of REFUSED) command.addOption(new Option(flag).hideHelp());
  command.addOption(new Option('--storage-opt <list>').argParser(collect).hideHelp());
  command.addOption(new Option('--link-local-ip <list>').argParser(collect).hideHelp());
}

const REFUSED = [
  '--isolation <string>',
  '--runtime <string>',
  '--kernel-memory <bytes>',
  '--cpu-rt-period <int>',
  '--cpu-rt-runtime <int>',
  '--cpu-count <int>',
  '--cpu-percent <int>',
  '--io-maxbandwidth <bytes>',
  '--io-maxiops <uint>',
  '--volume-driver <string>',
];
