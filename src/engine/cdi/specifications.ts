/**
 * The Container Device Interface (cncf-tags/container-device-interface): a vendor's tool writes files that say what a
 * container needs to use a device, and a runtime follows them. Root writes the files, in JSON or YAML; of two that
 * describe one device the one in /var/run/cdi counts, and two in one directory describe none.
 *
 * This is the one door to the library yaml.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { checkForeign } from '../../../images/foreign/read.ts';
import { fields, line, listOf, optional, size, text } from '../../../images/foreign/shape.ts';
import { withoutNulls } from '../../../images/foreign/shape.ts';
import { MinidockError } from '../../../runtime/errors.ts';
import { reasonOf } from '../spec/flag-errors.ts';

/** A later one counts more. */
export const CDI_DIRECTORIES = ['/etc/cdi', '/var/run/cdi'] as const;

export interface DeviceNode {
  readonly path: string;
  readonly hostPath?: string;
  readonly permissions?: string;
  readonly fileMode?: number;
  readonly uid?: number;
  readonly gid?: number;
}

export interface CdiMount {
  readonly hostPath: string;
  readonly containerPath: string;
  readonly options?: readonly string[];
  readonly type?: string;
}

/** What is done to a container. */
export interface ContainerEdits {
  readonly env?: readonly string[];
  readonly deviceNodes?: readonly DeviceNode[];
  readonly mounts?: readonly CdiMount[];
  readonly hooks?: readonly { readonly hookName: string; readonly path: string }[];
  readonly additionalGids?: readonly number[];
}

export interface CdiSpecification {
  /** 'nvidia.com/gpu' */
  readonly kind: string;
  readonly devices: readonly { readonly name: string; readonly containerEdits: ContainerEdits }[];
  /** For each of its devices, once. */
  readonly containerEdits?: ContainerEdits;
}

const edits = fields<ContainerEdits>({
  env: optional(listOf(line)),
  deviceNodes: optional(
    listOf(
      fields<DeviceNode>({
        path: line,
        hostPath: optional(line),
        permissions: optional(text),
        fileMode: optional(size),
        uid: optional(size),
        gid: optional(size),
      }),
    ),
  ),
  mounts: optional(
    listOf(
      fields<CdiMount>({
        hostPath: line,
        containerPath: line,
        options: optional(listOf(line)),
        type: optional(text),
      }),
    ),
  ),
  hooks: optional(listOf(fields<{ hookName: string; path: string }>({ hookName: text, path: line }))),
  additionalGids: optional(listOf(size)),
});

const specification = fields<CdiSpecification>({
  kind: text,
  devices: listOf(
    fields<{ name: string; containerEdits: ContainerEdits }>({ name: text, containerEdits: edits }),
  ),
  containerEdits: optional(edits),
});

export interface Registry {
  /** By their names, 'nvidia.com/gpu=0'. */
  readonly devices: ReadonlyMap<string, { readonly of: CdiSpecification; readonly edits: ContainerEdits }>;
  /** Files that no device was read from, and devices that two files describe, with the reason. */
  readonly problems: readonly string[];
}

export function readSpecifications(directories: readonly string[] = CDI_DIRECTORIES): Registry {
  const devices = new Map<string, { of: CdiSpecification; edits: ContainerEdits }>();
  const problems: string[] = [];
  for (const directory of directories) {
    const own = new Map<string, string>();
    for (const name of namesIn(directory)) {
      const path = join(directory, name);
      try {
        const of = readSpecification(path);
        for (const device of of.devices) {
          const full = `${of.kind}=${device.name}`;
          const other = own.get(full);
          own.set(full, path);
          if (other === undefined) devices.set(full, { of, edits: device.containerEdits });
          else {
            devices.delete(full);
            problems.push(`${full} is described in ${other} and in ${path}`);
          }
        }
      } catch (error) {
        problems.push((error as Error).message);
      }
    }
  }
  return { devices, problems };
}

function readSpecification(path: string): CdiSpecification {
  let document: unknown;
  try {
    const content = readFileSync(path, 'utf8');
    // No alias may make a document larger than it is.
    document = path.endsWith('.json') ? JSON.parse(content) : parse(content, { maxAliasCount: 0 });
  } catch (error) {
    const reason = reasonOf(error).split('\n')[0] ?? '';
    throw new MinidockError({ code: 'BAD_CDI', message: `cannot read ${path}: ${reason}`, cause: error });
  }
  return withoutNulls(
    checkForeign(specification, document, { what: path, code: 'BAD_CDI' }),
  ) as CdiSpecification;
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /\.(json|yaml)$/.test(name))
      .sort();
  } catch {
    return []; // Without the directory no device is described there.
  }
}
