/**
 * The modules that Stryker changes, each with the unit tests that are to fail on it, and the changes that no test can
 * fail on, with the reason. Left out are modules whose work is the kernel's or the network's (mutants/ has those), and
 * tables of words.
 */
export interface Survivor {
  /** Part of the line that Stryker changed. */
  readonly line: string;
  /** What it put there. */
  readonly becomes: string;
  readonly why: string;
}

export interface Unit {
  readonly file: string;
  /** Below test/unit; unless given, the test of the same path. */
  readonly tests?: readonly string[];
  readonly survives?: readonly Survivor[];
}

export const testsOf = ({ file, tests }: Unit): readonly string[] =>
  (tests ?? [file.replace(/\.ts$/, '.test.ts')]).map((path) => `./test/unit/${path}`);

const survivor = (line: string, becomes: string, why: string): Survivor => ({ line, becomes, why });

const WORD = '"Stryker was here!"';
/** noUncheckedIndexedAccess asks for the default of a part that the pattern or split() always gives. */
const always = (line: string): Survivor =>
  survivor(line, WORD, 'the part is always there, and only the type asks for a default');

const FASTER = 'only the short cut for what is common: the rest comes to the same';
const DECODED = 'dns-packet returns every section, and the header has promised one question';
const KERNEL = "the kernel's file has one such line, with one tab, and no test makes another";
const RACE = 'only where another process removes the file between two calls';
const UNREADABLE = 'the paths are fixed, and a test leaves the files of the machine as they are';
const NO_ADDRESS = 'no block contains undefined: the filter is for the type';
const OWN_SERVERS = "shows only on a machine whose own name server lies in Docker's pools";

export const units: readonly Unit[] = [
  {
    file: 'images/platform.ts',
    survives: [
      always("const [first = '', second, variant] = parts;"),
      survivor(
        '...(variant === undefined ? {} : { variant })',
        'false',
        'normalizePlatform drops an undefined variant',
      ),
      survivor('zos`.split(/\\s+/)', '/\\s/', 'an empty name more in the set, which no platform has'),
      survivor('ppc riscv riscv64', '/\\s/', 'an empty name more in the set, which no platform has'),
      survivor("exec(variant ?? '')", WORD, 'neither text is a variant'),
      survivor(
        'const variants = []',
        '["Stryker was here"]',
        'a text among the platforms is none that an entry has',
      ),
    ],
  },
  {
    file: 'images/reference.ts',
    survives: [
      always("const [, matchedDomain = '', path = '', tag, digest]"),
      always("const [algorithm = '', hex = '']"),
    ],
  },
  {
    file: 'images/registry/challenge.ts',
    survives: [always("const [, name = '', quoted, bare = '']"), always("(scheme[1] ?? '')")],
  },
  { file: 'images/registry/endpoints.ts', survives: [always("const [network = '', bits = '']")] },
  {
    file: 'runtime/network/hosts.ts',
    survives: [survivor('} catch {', '{}', 'the machine that runs the tests has an /etc/hosts')],
  },
  {
    file: 'runtime/network/ipam.ts',
    survives: [
      survivor('= () => false,', '() => undefined', 'undefined is as false as false'),
      ...['{}', 'false'].flatMap((becomes) => [
        survivor('ownerOf(file) === owner', becomes, RACE),
        survivor('leaseFiles(leasesDir, owner)) rmSync', becomes, RACE),
      ]),
    ],
  },
  {
    file: 'runtime/network/ipv4.ts',
    tests: ['runtime/network/ipv4.test.ts', 'runtime/network/ipam.test.ts', 'runtime/network/subnet.test.ts'],
    survives: [always("const [addressText = '', prefixText = ''")],
  },
  { file: 'runtime/network/ipv6/address.ts', survives: [always("const [addressText = '', prefixText = ''")] },
  {
    file: 'runtime/network/resolv.ts',
    survives: [
      ...["files.main ?? '')", "upstream ?? '')"].map((line) =>
        survivor(line, WORD, 'that word is no keyword, so it names no server'),
      ),
      survivor("readIfThere('/run/systemd", '""', 'systemd-resolved need not run where the tests do'),
      survivor('} catch (error) {', '{}', UNREADABLE),
      survivor("=== 'ENOENT') return undefined;", 'true', UNREADABLE),
    ],
  },
  {
    file: 'runtime/network/subnet.ts',
    survives: [
      survivor('addresses.map(parseIpv4)', 'addresses.map(parseIpv4)', NO_ADDRESS),
      survivor('addresses.map(parseIpv4)', 'true', NO_ADDRESS),
      survivor("readFileSync('/etc/resolv.conf'", '""', OWN_SERVERS),
      survivor('} catch {', '{}', OWN_SERVERS),
      survivor('return []; // no such file', '["Stryker was here"]', OWN_SERVERS),
      survivor("let leaf = '';", WORD, 'a route before the first address is none either way'),
      survivor('prefix === undefined ? undefined', 'false', "parseCidr refuses '192.0.2.0/undefined'"),
    ],
  },
  { file: 'runtime/plan/quote.ts', tests: ['runtime/plan/quote.test.ts', 'runtime/plan/render.test.ts'] },
  {
    file: 'runtime/printable.ts',
    survives: [
      survivor('const PLAIN = ', '/^[\\x20-\\x7e]$/', FASTER),
      survivor('const PLAIN_LINES = ', '/^[\\x20-\\x7e\\n\\t]$/', FASTER),
    ],
  },
  {
    file: 'runtime/process/capabilities.ts',
    survives: [
      survivor("cap_last_cap', 'utf8'", '""', 'Number() reads a Buffer as its text'),
      survivor("'/proc/self/status', 'utf8'", '""', 'exec() reads a Buffer as its text'),
      survivor(
        '/^CapBnd:',
        "/^CapBnd:\\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]",
        KERNEL,
      ),
      ...['/CapBnd:\\s*([0-9a-f]+)$/m', '/^CapBnd:\\s*([0-9a-f]+)/m', '/^CapBnd:\\s([0-9a-f]+)$/m'].map(
        (becomes) => survivor('/^CapBnd:', becomes, KERNEL),
      ),
      survivor("bounding ?? '0'", '""', KERNEL),
    ],
  },
  {
    file: 'runtime/process/identity/lines.ts',
    tests: ['runtime/process/identity/lines.test.ts', 'runtime/process/identity/users.test.ts'],
  },
  {
    file: 'runtime/process/seccomp/arguments.ts',
    tests: ['runtime/process/seccomp/compile.test.ts', 'runtime/process/seccomp/profile.test.ts'],
  },
  { file: 'src/commands/program/global-flags.ts' },
  {
    file: 'src/commands/shared/boolean-flags.ts',
    tests: ['src/commands/shared/boolean-flags.test.ts', 'src/commands/flags.test.ts'],
    survives: [
      survivor("argv[0]?.startsWith('-') !== true", 'false', FASTER),
      survivor("argv[0]?.startsWith('-') !== true", '""', FASTER),
      survivor("[option.long ?? ''", WORD, 'no flag with an optional value has only a letter'),
      survivor("match?.[1] ?? ''", WORD, 'neither word is a flag that defaults to true'),
      always('message: `invalid argument'),
      always("word.at(-1) ?? ''"),
      survivor('if (equals < 0 ||', 'equals <= 0', 'a word that starts with a dash has no equals sign there'),
    ],
  },
  {
    file: 'src/engine/dns/message.ts',
    survives: [
      survivor('const { questions = [], additionals = [] }', '["Stryker was here"]', DECODED),
      survivor('if (question === undefined) return', 'false', DECODED),
      survivor('if (question === undefined) return', '{}', DECODED),
      survivor('asked.questions ?? []', '["Stryker was here"]', DECODED),
      survivor('if (question === undefined) throw', 'false', DECODED),
      survivor('if (question === undefined) throw', '""', DECODED),
      survivor('asked.additionals?.some', 'asked.additionals.some', DECODED),
      survivor(
        'while (at < bytes.length',
        'at <= bytes.length',
        'a step behind the end, which Math.min takes back',
      ),
      survivor(
        'flag_do: false,',
        'true',
        'dns-packet writes the bits of `flags`, and reads this one from them',
      ),
      survivor(
        'V6_REVERSE.exec(name)?.[1]?.split',
        'V6_REVERSE.exec(name)?.[1].split',
        'a name that fits has the part',
      ),
    ],
  },
  {
    file: 'src/engine/spec/attachment-flags.ts',
    survives: [
      ...[
        '/\\w=\\w+(,\\w+=\\w+)*/',
        '/\\w+=\\w(,\\w+=\\w+)*/',
        '/\\w+=\\w+(,\\w=\\w+)*/',
        '/\\w+=\\w+(,\\w+=\\w)*/',
        '/\\w+=\\w+(,\\W+=\\w+)*/',
        '/\\w+=\\w+(,\\w+=\\W+)*/',
      ].map((becomes) =>
        survivor('const LONG = ', becomes, 'it has no ends, so a letter on each side of one sign is enough'),
      ),
      survivor('(line.match(', '["Stryker was here"]', 'the long form has a field that fits'),
      always("const [container = '', alias = container"),
    ],
  },
  {
    file: 'src/engine/spec/env-flags.ts',
    survives: [always("const [key = '', value = ''] = split"), always("const [key = '', value] = split")],
  },
  {
    file: 'src/engine/spec/port-spec.ts',
    survives: [
      always("const [container = '', ...protocolText]"),
      always("const [ports = '', protocol = ''"),
      always("parts.pop() ?? ''"),
    ],
  },
  { file: 'src/engine/spec/ulimits.ts' },
  {
    file: 'src/engine/spec/units.ts',
    survives: [
      always("const [, number = '', unit = ''] = match;"),
      always("const [, sign = '', whole = '', fraction = '']"),
      survivor(
        '.exec(text) ?? [];',
        '["Stryker was here"]',
        'the first part, the whole match, is not looked at',
      ),
    ],
  },
];
