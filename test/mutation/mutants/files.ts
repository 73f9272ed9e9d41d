/** Mounts, masks and devices; unpacking; what a registry says. */
import { mutantsOf } from '../mutant.ts';

const inside = 'e2e/containers/isolation\\.';
const unpacking = 'unit/images/unpack/(layer-writer|replacements|bounds)|kernel/unpack\\.';

export const mounts = [
  ...mutantsOf(
    'runtime/rootfs/defaults.ts',
    [
      "const access = options.privileged ? 'rw' : 'ro';",
      "const access = 'rw';",
      `${inside} -t files of the kernel`,
    ],
    [
      "mount('/proc', 'proc', 'proc', ['nosuid', 'noexec', 'nodev'])",
      "mount('/proc', 'proc', 'proc', ['nosuid', 'nodev'])",
      'kernel/process\\.|unit/runtime/rootfs|golden|docker/process',
    ],
    ['`size=${options.shmSize}`', '`size=${options.shmSize * 2}`', `${inside} -t shm-size`],
    ["  '/proc/keys',\n", '', `${inside} -t files of the kernel`],
    ["  '/sys/devices/virtual/powercap',\n", '', `${inside} -t files of the kernel`],
    ["  '/proc/bus',\n", '', `${inside} -t files of the kernel`],
    ["  '/proc/irq',\n", '', `${inside} -t files of the kernel`],
    ["  { allow: false, access: 'rwm' },\n", '', `${inside} -t a device`],
    [
      "{ allow: true, type: 'b', access: 'm' }",
      "{ allow: true, type: 'b', access: 'rm' }",
      `${inside} -t a device`,
    ],
    [
      "{ allow: true, type: 'c', access: 'm' }",
      "{ allow: true, type: 'c', access: 'wm' }",
      `${inside} -t a device`,
    ],
    ["character('/dev/full', 1, 7)", "character('/dev/full', 1, 5)", `${inside} -t /dev holds`],
    ['  fileMode: 0o666,\n', '  fileMode: 0o644,\n', `${inside} -t /dev holds`],
  ),
  ...mutantsOf('src/engine/plans/bundle-resources.ts', [
    "access: spec.devices[index]?.access ?? 'rwm'",
    "access: 'rwm'",
    `${inside} -t a device`,
  ]),
  ...mutantsOf(
    'src/engine/spec/mount-flags.ts',
    [
      "    readOnly: words.includes('ro'),\n",
      '    readOnly: false,\n',
      'e2e/volumes/volumes\\.|unit/src/engine/spec/mount-flags',
    ],
    [
      "noCopy: words.includes('nocopy')",
      'noCopy: false',
      'e2e/volumes/volumes\\.|unit/src/engine/spec/mount-flags',
    ],
    ["words.includes('ro') && words.includes('rw')", 'false', 'unit/src/engine/spec/mount-flags'],
  ),
  ...mutantsOf(
    'runtime/rootfs/perform-mount.ts',
    [
      'return [`mode=${(fstatSync(target).mode & 0o7777).toString(8)}`];',
      'fstatSync.toString(); return [];',
      'unit/runtime/rootfs/perform-mount|e2e/volumes/volumes\\.|kernel/process\\.',
    ],
    [
      'bind(context, destination, source, target, attributes, options.recursive);',
      'bind(context, destination, source, target, attributes, false);',
      'e2e/volumes/volumes\\. -t host directories',
    ],
    [
      "    if (errnoOf(error) !== 'ELOOP') throw error;\n",
      '    throw error;\n',
      'kernel/process\\.|unit/runtime/rootfs/perform-mount',
    ],
  ),
  ...mutantsOf(
    'runtime/rootfs/perform-pivot.ts',
    [
      '  for (const path of masked) requireCovered(path, false, context);\n',
      '',
      'kernel/verify-root\\.|e2e/faults/hostile\\.|unit/runtime/rootfs',
    ],
    [
      '  for (const path of readonly) requireCovered(path, true, context);\n',
      '',
      'kernel/verify-root\\.|e2e/faults/hostile\\.|unit/runtime/rootfs',
    ],
    [
      '  requireOwnMounts(context);\n',
      '  requireOwnMounts.toString();\n',
      'kernel/verify-root\\.|e2e/faults/hostile\\.|unit/runtime/rootfs',
    ],
  ),
];

export const unpack = [
  ...mutantsOf(
    'images/unpack/layer-writer.ts',
    ['      this.dirs.makeOpaque(parent);\n', '', unpacking],
    ['    this.whiteouts.set(real, true);\n', '', unpacking],
    [
      'if (file.cursor !== undefined) ftruncateSync(file.fd, file.cursor.realSize);',
      'ftruncateSync.toString();',
      unpacking,
    ],
    [
      'if (name.startsWith(WHITEOUT_META) && name !== OPAQUE_MARKER) return;',
      'if (name.startsWith(WHITEOUT_META)) return;',
      unpacking,
    ],
    ["    if (name === '' || name === '.' || name === '..') {\n", "    if (name === '') {\n", unpacking],
    ['      this.dirs.startAfresh(real);\n      return;\n', '      return;\n', unpacking],
    ['    this.links.forget(real);\n    switch', '    switch', unpacking],
    [
      'constants.O_WRONLY | constants.O_NOFOLLOW',
      'constants.O_WRONLY',
      unpacking,
      'O_CREAT with O_EXCL never follows a link that is the last component (open(2)); O_NOFOLLOW says it once more',
    ],
    ['    this.size += entry.sparse?.realSize ?? entry.size;\n', '    this.size += entry.size;\n', unpacking],
    ['    this.dirs.forgetWithin(real);\n', '', unpacking],
  ),
  ...mutantsOf(
    'images/unpack/metadata.ts',
    ['    fchmodSync(fd, mode);\n', '    fchmodSync(fd, mode & 0o777);\n', unpacking],
    [
      'own(path, metadata, () => fchownSync(fd, uid, gid));',
      'own(path, metadata, () => fchownSync(fd, uid, ownGid));',
      unpacking,
    ],
    [
      'own(path, metadata, () => lchownSync(path, uid, gid));',
      'own(path, metadata, () => void lchownSync);',
      unpacking,
    ],
    ['      if (/^(trusted|user)\\.overlay\\./.test(name)) continue;\n', '', unpacking],
    ['if (hasMode) chmodSync(path, mode);', 'if (!hasMode) chmodSync(path, mode);', unpacking],
    ['if (mtime % NANOSECONDS === 0n) futimesSync', 'if (mtime >= 0n) futimesSync', unpacking],
  ),
  ...mutantsOf(
    'images/unpack/tree.ts',
    ["target.startsWith('/') ? '' : parentReal", "target.startsWith('/') ? '' : ''", unpacking],
    [
      "real = name === '..' ? parentOf(real) : this.step",
      "real = name === '..' ? real : this.step",
      unpacking,
    ],
    ['if ((links.left -= 1) < 0)', 'if ((links.left -= 0) < 0)', unpacking],
    ['if (stats === undefined) this.onImplied(real);', '', unpacking],
    [
      'if (this.linkedBytes > MAX_LINKED_BYTES) this.forgetLinked();',
      '',
      unpacking,
      'What is forgotten is looked up again: the layer is the same, only the memory that a hostile one takes differs',
    ],
  ),
];

export const registry = [
  ...mutantsOf(
    'images/registry/client.ts',
    [
      "reference.digest ?? response.header('docker-content-digest')",
      "response.header('docker-content-digest') ?? reference.digest",
      'unit/images/registry/client',
    ],
    ['if (source.endpoint.mirror) this.distrusted.add(source);', '', 'unit/images/(registry|pull)'],
  ),
  ...mutantsOf(
    'images/registry/session.ts',
    [
      "if (clear && from.protocol === 'https:' &&",
      "if (false && from.protocol === 'https:' &&",
      'unit/images/registry/client',
    ],
    [
      'authorization !== undefined && url.origin === start.origin ?',
      'authorization !== undefined ?',
      'unit/images/registry/client',
    ],
    ['hop <= MAX_REDIRECTS; hop++', 'hop >= 0; hop++', 'unit/images/registry/client'],
  ),
  ...mutantsOf('images/registry/auth.ts', [
    "realm.protocol !== 'https:' && !this.options.mayBeClear(realm)",
    'false',
    'unit/images/registry/auth',
  ]),
  ...mutantsOf(
    'images/store/blob-store.ts',
    ['    if (actual !== digest) {\n', '    if (false) {\n', 'unit/images/(registry/download|store)'],
    ['    if (actualSize !== size) {\n', '    if (false) {\n', 'unit/images/(registry/download|store)'],
    [
      "if (!name.startsWith('.') || isOwnerAlive(name.slice(1))) continue;",
      "if (!name.startsWith('.')) continue;",
      'unit/images/store',
    ],
  ),
];
