// Who may import whom, type imports included. `npm run lint` holds these rules; the table of .github/ARCHITECTURE.md
// says the same in words, and a test compares the two (test/unit/architecture.test.ts).

/** Each floor with the floors it may use, itself aside. */
export const floors = {
  '^runtime/': [],
  '^images/': [],
  '^src/io/': ['^runtime/'],
  '^src/engine/': ['^src/io/', '^images/', '^runtime/'],
  '^src/build/': ['^src/engine/', '^src/io/', '^images/', '^runtime/'],
  '^src/ui/': ['^src/io/', '^images/', '^runtime/'],
  '^src/docker/': ['^src/ui/', '^src/engine/', '^src/io/', '^images/', '^runtime/'],
  '^src/diagnose/': ['^src/docker/', '^src/ui/', '^src/engine/', '^src/io/', '^images/', '^runtime/'],
  '^src/teach/': [
    '^src/diagnose/',
    '^src/docker/',
    '^src/ui/',
    '^src/engine/',
    '^src/io/',
    '^images/',
    '^runtime/',
  ],
  '^src/page/': [
    '^src/teach/',
    '^src/diagnose/',
    '^src/docker/',
    '^src/ui/',
    '^src/engine/',
    '^src/io/',
    '^images/',
    '^runtime/',
  ],
};

/** Rooms of one floor that may use only these others of it. */
export const rooms = {
  '^src/build/parse/': ['^src/build/errors'],
  '^src/engine/spec/': [],
  '^src/engine/state/': ['^src/engine/spec/'],
  '^src/engine/network/': ['^src/engine/spec/', '^src/engine/state/', '^src/engine/dns/'],
  '^src/engine/plans/': [
    '^src/engine/spec/',
    '^src/engine/state/',
    '^src/engine/network/',
    '^src/engine/dns/',
  ],
  '^runtime/syscall/': ['^runtime/errors'],
  // What runs in the browser knows the messages and the drawing, and nothing of a server.
  '^src/page/browser/': ['^src/page/picture/', '^src/page/messages'],
  '^src/page/picture/': [],
};

const ours = '^(src|images|runtime)/';

const rule = (from, allowed, within) => ({
  name: `${from.slice(1)} imports only ${allowed.map((path) => path.slice(1)).join(' ') || 'itself'}`,
  severity: 'error',
  from: { path: from },
  to: { path: within, pathNot: [from, ...allowed].join('|') },
});

export default {
  forbidden: [
    { name: 'no circle', severity: 'error', from: { path: ours }, to: { circular: true } },
    ...Object.entries(floors).map(([from, allowed]) => rule(from, allowed, ours)),
    ...Object.entries(rooms).map(([from, allowed]) =>
      rule(from, allowed, `^${from.slice(1).split('/').slice(0, -2).join('/')}/`),
    ),
  ],
  options: {
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    includeOnly: ours,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.js'] },
  },
};
