/**
 * Which entry of an image index fits a machine. Names are Go's (GOOS, GOARCH), as the image specification asks;
 * the order of preference among variants follows containerd: the exact variant first, then older ones that the
 * processor still runs. Deliberately absent: `os.version` and `os.features`, which only Windows uses.
 */
import { ImageError } from './errors.ts';
import type { Descriptor, Platform } from './types.ts';

const goArchitectures: Readonly<Record<string, string>> = {
  x64: 'amd64',
  ia32: '386',
  mips: 'mips',
  mipsel: 'mipsle',
  ppc64: 'ppc64le',
};

export function hostPlatform(nodeArch: string = process.arch): Platform {
  return normalizePlatform({ os: 'linux', architecture: goArchitectures[nodeArch] ?? nodeArch });
}

/** 'linux/arm64/v8', 'linux/amd64', 'arm64'. @throws ImageError 'INVALID_PLATFORM'. */
export function parsePlatform(text: string): Platform {
  const parts = text.toLowerCase().split('/');
  if (parts.length > 3) throw invalidPlatform(`"${text}": cannot parse platform specifier`);
  const wrong = parts.find((part) => !/^[a-z0-9_-]+$/.test(part));
  if (wrong !== undefined) {
    throw invalidPlatform(
      `"${wrong}" is an invalid component of "${text}": platform specifier component must match "^[A-Za-z0-9_-]+$"`,
    );
  }
  const [first = '', second, variant] = parts;
  if (second === undefined) {
    if (SYSTEMS.has(first)) return normalizePlatform({ ...hostPlatform(), os: first });
    const alone = normalizePlatform({ os: 'linux', architecture: first });
    if (ARCHITECTURES.has(alone.architecture)) return alone;
    throw invalidPlatform(`"${text}": unknown operating system or architecture`);
  }
  return normalizePlatform({
    os: first,
    architecture: second,
    ...(variant === undefined ? {} : { variant }),
  });
}

/** Go's names (go/build/syslist.go): one of these alone is a platform, with the rest this machine's. */
const SYSTEMS = new Set(
  `aix android darwin dragonfly freebsd hurd illumos ios js linux macos nacl netbsd openbsd plan9 solaris windows
  zos`.split(/\s+/),
);
const ARCHITECTURES = new Set(
  `386 amd64 amd64p32 arm armbe arm64 arm64be ppc64 ppc64le loong64 mips mipsle mips64 mips64le mips64p32 mips64p32le
  ppc riscv riscv64 s390 s390x sparc sparc64 wasm`.split(/\s+/),
);

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return variant === undefined ? `${os}/${architecture}` : `${os}/${architecture}/${variant}`;
}

/** The best entry of an index for a platform; undefined when none runs on it. */
export function choosePlatform(entries: readonly Descriptor[], wanted: Platform): Descriptor | undefined {
  for (const acceptable of acceptablePlatforms(normalizePlatform(wanted))) {
    const entry = entries.find(
      ({ platform }) => platform !== undefined && samePlatform(normalizePlatform(platform), acceptable),
    );
    if (entry !== undefined) return entry;
  }
  return undefined;
}

/** Whether a single-platform image's own configuration runs on a platform. */
export function fitsPlatform(image: Platform, wanted: Platform): boolean {
  const normal = normalizePlatform(image);
  return acceptablePlatforms(normalizePlatform(wanted)).some((platform) => samePlatform(platform, normal));
}

function acceptablePlatforms(wanted: Platform): readonly Platform[] {
  const { os, architecture, variant } = wanted;
  const base = { os, architecture };
  // Two digits at most: each older variant is tried, and the number is the user's. NaN for another word: none is older.
  const level = Number(/^v(\d{1,2})$/.exec(variant ?? '')?.[1]);
  const lowest = architecture === 'arm' ? 5 : architecture === 'arm64' ? 8 : 1;
  const variants = [];
  for (let v = Number(level); v >= lowest; v--)
    variants.push(normalizePlatform({ ...base, variant: `v${String(v)}` }));
  // A 64-bit ARM processor runs 32-bit programs, but an index that has both means the 64-bit one: it is not a match.
  return [wanted, ...variants, base];
}

function normalizePlatform(platform: Platform): Platform {
  const os = platform.os === 'macos' ? 'darwin' : platform.os;
  const given = platform.variant === '' ? undefined : platform.variant;
  const bare = (architecture: string): Platform => ({ os, architecture });
  const withVariant = (architecture: string, variant: string | undefined): Platform =>
    variant === undefined ? bare(architecture) : { os, architecture, variant };
  switch (platform.architecture) {
    case 'x86_64':
    case 'x86-64':
    case 'amd64':
      // amd64 and amd64/v1 are the same machine.
      return withVariant('amd64', given === 'v1' ? undefined : given);
    case 'aarch64':
    case 'arm64':
      return withVariant('arm64', given === '8' || given === 'v8' ? undefined : given);
    case 'i386':
      return bare('386');
    case 'armhf':
      return withVariant('arm', 'v7');
    case 'armel':
      return withVariant('arm', 'v6');
    case 'arm':
      return withVariant('arm', given === undefined ? 'v7' : given.startsWith('v') ? given : `v${given}`);
    default:
      return withVariant(platform.architecture, given);
  }
}

function samePlatform(a: Platform, b: Platform): boolean {
  return a.os === b.os && a.architecture === b.architecture && a.variant === b.variant;
}

/** In containerd's words. */
function invalidPlatform(message: string): ImageError {
  return new ImageError({
    code: 'INVALID_PLATFORM',
    message: `${message}: invalid argument`,
    hint: 'a platform is OS/ARCHITECTURE[/VARIANT], for example linux/amd64 or linux/arm64/v8',
  });
}
