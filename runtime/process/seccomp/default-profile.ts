/**
 * The default seccomp profile: which of the kernel's some 450 system calls a container may make. It answers as
 * Docker 26's does, call for call. A call that is not here gets EPERM.
 *
 * Namespaces and capabilities already stop most misuse; the filter is the second wall. It keeps whole subsystems
 * out of reach (keyrings, io_uring, userfaultfd, kexec, new namespaces), where kernel bugs were found again and
 * again, and calls that are not namespaced at all (the clock, the kernel log, swap, modules).
 *
 * A rule that depends on a capability says: with that capability the call is why one asked for it, without it
 * the kernel would refuse most of it anyway, so the filter refuses it before the kernel's code is even entered.
 */
import type { ProfileRule, SeccompProfile } from './profile-format.ts';

const allow = (names: string, rest: Omit<ProfileRule, 'names' | 'action'> = {}): ProfileRule => ({
  names: names.trim().split(/\s+/),
  action: 'SCMP_ACT_ALLOW',
  ...rest,
});
const withCapability = (capability: string, names: string): ProfileRule =>
  allow(names, { includes: { caps: [capability] } });

/** What every program needs, by subject. Names with 32 or 64 in them are the 32-bit architectures' variants. */
const EVERYDAY: readonly string[] = [
  // Files and directories. name_to_handle_at only asks; its counterpart open_by_handle_at is conditional below.
  `open openat openat2 creat close close_range read pread64 readv preadv preadv2 write pwrite64 writev pwritev
   pwritev2 lseek _llseek dup dup2 dup3 fcntl fcntl64 ioctl flock fsync fdatasync sync syncfs sync_file_range
   truncate truncate64 ftruncate ftruncate64 fallocate fadvise64 fadvise64_64 readahead copy_file_range sendfile
   sendfile64 splice tee vmsplice cachestat name_to_handle_at
   access faccessat faccessat2 stat stat64 fstat fstat64 lstat lstat64 fstatat64 newfstatat statx statfs statfs64
   fstatfs fstatfs64 getcwd chdir fchdir mkdir mkdirat rmdir rename renameat renameat2 link linkat unlink unlinkat
   symlink symlinkat readlink readlinkat getdents getdents64 umask mknod mknodat
   chmod fchmod fchmodat fchmodat2 chown chown32 fchown fchown32 fchownat lchown lchown32
   utime utimes futimesat utimensat utimensat_time64
   getxattr lgetxattr fgetxattr setxattr lsetxattr fsetxattr listxattr llistxattr flistxattr removexattr
   lremovexattr fremovexattr`,

  // Waiting for files. fanotify_mark is of no use without fanotify_init, which takes CAP_SYS_ADMIN below.
  `select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64 epoll_create epoll_create1 epoll_ctl
   epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2 eventfd eventfd2 signalfd signalfd4
   timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64
   inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark
   io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64`,

  // Sockets; socket itself comes with a condition below. socketcall is 32-bit x86's old door to all of them.
  `socketpair bind listen accept accept4 connect shutdown getsockname getpeername getsockopt setsockopt send sendto
   sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64 socketcall pipe pipe2`,

  // Memory. memfd_secret and map_shadow_stack give a program less to leak, not more to reach.
  `brk mmap mmap2 munmap mremap mprotect msync madvise mincore mlock mlock2 mlockall munlock munlockall
   remap_file_pages memfd_create memfd_secret membarrier map_shadow_stack pkey_alloc pkey_free pkey_mprotect`,

  // Processes and threads; clone and clone3 come with conditions below. seccomp and landlock only ever restrict.
  `fork vfork execve execveat exit exit_group wait4 waitid waitpid getpid getppid gettid getpgid getpgrp setpgid
   getsid setsid pidfd_open pidfd_send_signal process_mrelease prctl restart_syscall rseq set_tid_address
   get_robust_list set_robust_list get_thread_area set_thread_area futex futex_time64 futex_waitv futex_wait
   futex_wake futex_requeue getcpu seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self`,

  // Scheduling and limits: the kernel lets a process only make itself less important.
  `getpriority setpriority ioprio_get ioprio_set sched_yield sched_getaffinity
   sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam sched_getscheduler
   sched_setscheduler sched_get_priority_max sched_get_priority_min sched_rr_get_interval
   sched_rr_get_interval_time64 getrlimit ugetrlimit setrlimit prlimit64 getrusage times sysinfo uname`,

  // Signals.
  `kill tkill tgkill rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend
   rt_sigtimedwait rt_sigtimedwait_time64 rt_tgsigqueueinfo sigaltstack sigprocmask sigreturn pause alarm`,

  // Time: reading it and sleeping. adjtimex and its kin only read without CAP_SYS_TIME.
  `time gettimeofday clock_gettime clock_gettime64 clock_getres clock_getres_time64 clock_nanosleep
   clock_nanosleep_time64 nanosleep adjtimex clock_adjtime clock_adjtime64 getitimer setitimer timer_create
   timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64`,

  // Users, groups, capabilities: what may really change is decided by CAP_SETUID and its kin.
  `getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getresuid getresuid32 getresgid getresgid32
   getgroups getgroups32 setuid setuid32 setgid setgid32 setreuid setreuid32 setregid setregid32 setresuid
   setresuid32 setresgid setresgid32 setfsuid setfsuid32 setfsgid setfsgid32 setgroups setgroups32 capget capset`,

  // System V and POSIX inter-process communication: the container has an IPC namespace of its own.
  `semget semctl semop semtimedop semtimedop_time64 shmget shmctl shmat shmdt msgget msgctl msgsnd msgrcv ipc
   mq_open mq_unlink mq_notify mq_getsetattr mq_timedsend mq_timedsend_time64 mq_timedreceive
   mq_timedreceive_time64`,

  'getrandom',
];

/** The flags of clone(2) that make namespaces: NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET. */
const CLONE_NAMESPACES =
  0x0002_0000 | 0x0200_0000 | 0x0400_0000 | 0x0800_0000 | 0x1000_0000 | 0x2000_0000 | 0x4000_0000;
const AF_VSOCK = 40;
const ENOSYS = 38;

/**
 * Execution domains that harmless programs ask for: Linux, Linux reporting a 2.6 kernel, each also with 32-bit
 * uname, and "only tell me". Others change how memory is laid out, ADDR_NO_RANDOMIZE above all.
 */
const PERSONALITIES = [0x0, 0x0008, 0x2_0000, 0x2_0008, 0xffff_ffff];

export const DEFAULT_PROFILE: SeccompProfile = {
  defaultAction: 'SCMP_ACT_ERRNO',
  defaultErrnoRet: 1,
  archMap: [
    { architecture: 'SCMP_ARCH_X86_64', subArchitectures: ['SCMP_ARCH_X86', 'SCMP_ARCH_X32'] },
    { architecture: 'SCMP_ARCH_AARCH64', subArchitectures: ['SCMP_ARCH_ARM'] },
  ],
  syscalls: [
    allow(EVERYDAY.join(' ')),

    // Tracing one's own children is what debuggers do. Before Linux 4.8 a tracer could change the call after the
    // filter had judged it, and so step around the filter.
    allow('ptrace process_vm_readv process_vm_writev', { includes: { minKernel: '4.8' } }),

    // VSOCK speaks to the hypervisor and is not namespaced: from a container it would reach the host's own.
    allow('socket', { args: [{ index: 0, value: AF_VSOCK, op: 'SCMP_CMP_NE' }] }),

    ...PERSONALITIES.map((value) => allow('personality', { args: [{ index: 0, value, op: 'SCMP_CMP_EQ' }] })),

    // Calls that exist on one family of processors only.
    allow('arm_fadvise64_64 arm_sync_file_range sync_file_range2 breakpoint cacheflush set_tls', {
      includes: { arches: ['arm', 'arm64'] },
    }),
    allow('arch_prctl', { includes: { arches: ['amd64', 'x32'] } }),
    allow('modify_ldt', { includes: { arches: ['amd64', 'x32', 'x86'] } }),

    // Opens a file by number, past every mount and directory: with it a container once read the host's disk.
    withCapability('CAP_DAC_READ_SEARCH', 'open_by_handle_at'),

    withCapability(
      'CAP_SYS_ADMIN',
      `mount umount umount2 mount_setattr move_mount open_tree fsopen fsconfig fsmount fspick unshare setns clone
       clone3 sethostname setdomainname quotactl quotactl_fd fanotify_init bpf perf_event_open syslog
       lookup_dcookie`,
    ),
    // Without it: new threads and processes yes, new namespaces no, a user namespace above all, since inside one
    // every process is root and reaches kernel code that only root should.
    allow('clone', {
      args: [{ index: 0, value: CLONE_NAMESPACES, valueTwo: 0, op: 'SCMP_CMP_MASKED_EQ' }],
      excludes: { caps: ['CAP_SYS_ADMIN'] },
    }),
    // clone3's flags are in memory, where a filter cannot look. ENOSYS makes libc fall back to clone; EPERM would
    // make it give up, and no program could start a thread.
    {
      names: ['clone3'],
      action: 'SCMP_ACT_ERRNO',
      errnoRet: ENOSYS,
      excludes: { caps: ['CAP_SYS_ADMIN'] },
    },

    withCapability('CAP_SYS_BOOT', 'reboot'),
    withCapability('CAP_SYS_CHROOT', 'chroot'),
    withCapability('CAP_SYS_MODULE', 'init_module finit_module delete_module'),
    withCapability('CAP_SYS_PACCT', 'acct'),
    withCapability(
      'CAP_SYS_PTRACE',
      'ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp',
    ),
    withCapability('CAP_SYS_RAWIO', 'iopl ioperm'),
    withCapability('CAP_SYS_TIME', 'settimeofday stime clock_settime clock_settime64'),
    withCapability('CAP_SYS_TTY_CONFIG', 'vhangup'),
    withCapability('CAP_SYS_NICE', 'get_mempolicy set_mempolicy set_mempolicy_home_node mbind'),
    withCapability('CAP_SYSLOG', 'syslog'),
    withCapability('CAP_BPF', 'bpf'),
    withCapability('CAP_PERFMON', 'perf_event_open'),
  ],
};
