/** The shape of a bundle's config.json, as far as `exec` relies on it: what confines who enters is in it. */
import {
  anything,
  flag,
  form,
  line,
  listOf,
  optional,
  record,
  size,
  type Shape,
} from '../../../images/foreign/shape.ts';
import type {
  OciCapabilities,
  OciConfig,
  OciLinux,
  OciProcess,
  OciRlimit,
  OciUser,
} from '../../../runtime/bundle.ts';

import { isGroupPath } from './records.ts';

const lines = listOf(line);
const whatever = <T>(): Shape<T> => optional(anything as Shape<T>);

const user = record<OciUser>({
  uid: size,
  gid: size,
  additionalGids: listOf(size),
  username: optional(line),
  additionalGroups: optional(lines),
});

const capabilities = record<OciCapabilities>({
  bounding: lines,
  effective: lines,
  permitted: lines,
  inheritable: lines,
  ambient: lines,
});

const process = record<OciProcess>({
  terminal: flag,
  consoleSize: whatever(),
  user,
  args: lines as unknown as Shape<OciProcess['args']>,
  env: lines,
  cwd: line,
  capabilities,
  rlimits: listOf(record<OciRlimit>({ type: line, soft: size, hard: size })),
  noNewPrivileges: flag,
  oomScoreAdj: whatever(),
});

const namespaces = listOf(
  record<OciLinux['namespaces'][number]>({
    type: line as Shape<OciLinux['namespaces'][number]['type']>,
    path: optional(line),
  }),
);

const linux = record<OciLinux>({
  namespaces,
  uidMappings: whatever(),
  gidMappings: whatever(),
  devices: listOf(anything) as Shape<OciLinux['devices']>,
  cgroupsPath: form(
    'the path of a control group',
    'paths',
    (path) => isGroupPath(path) && /\/[0-9a-f]{64}$/.test(path),
  ),
  resources: anything as Shape<OciLinux['resources']>,
  seccomp: whatever(),
  sysctl: whatever(),
  maskedPaths: lines,
  readonlyPaths: lines,
});

export const ociConfig: Shape<OciConfig> = record<OciConfig>({
  ociVersion: line,
  process,
  root: anything as Shape<OciConfig['root']>,
  hostname: line,
  domainname: whatever(),
  mounts: listOf(anything) as Shape<OciConfig['mounts']>,
  linux,
  annotations: whatever(),
});
