/** A container seen through: everything that `inspect --host` knows, and what its processes may do, use and have open. */
import { readdirSync, readlinkSync } from 'node:fs';
import { parseMountinfo } from '../../../runtime/io/mountinfo.ts';
import { oneLine } from '../../../runtime/printable.ts';
import { CAPABILITIES, capabilityNames } from '../../../runtime/process/capabilities.ts';
import { readProcess } from '../../diagnose/host/processes.ts';
import { hostConfig } from '../../docker/inspect/host-config.ts';
import { readHostView } from '../../diagnose/inspect-host/host-view.ts';
import { readUsage } from '../../engine/look/usage.ts';
import { findContainer } from '../../engine/reconcile.ts';
import type { ContainerStore } from '../../engine/state/store.ts';
import { readLayers } from './layers.ts';

const MOST_FILES = 64;

/** @throws what findContainer throws. */
export async function xRay(store: ContainerStore, name: string): Promise<unknown> {
  const container = await findContainer(store, name);
  const [view] = await readHostView(store, [container]);
  const { config, state } = container;
  const status = state.pid === 0 ? '' : readProcess(state.pid, 'status');
  const field = (key: string): string => new RegExp(`^${key}:\\s*(.*)$`, 'm').exec(status)?.[1] ?? '';
  return {
    name: config.name,
    image: config.imageRef,
    view,
    docker: hostConfig(config),
    usage: readUsage(container),
    capabilities: {
      all: CAPABILITIES,
      effective: capabilityNames(BigInt(`0x${field('CapEff') || '0'}`)),
      bounding: capabilityNames(BigInt(`0x${field('CapBnd') || '0'}`)),
    },
    seccomp: { mode: Number(field('Seccomp')), filters: Number(field('Seccomp_filters')) },
    noNewPrivileges: field('NoNewPrivs') === '1',
    mounts: parseMountinfo(state.pid === 0 ? '' : readProcess(state.pid, 'mountinfo')).map(
      ({ point, type, options }) => ({
        point: oneLine(point),
        type: oneLine(type),
        options: options.filter((word) => /^(ro|rw|nosuid|nodev|noexec)$/.test(word)),
      }),
    ),
    descriptors: state.pid === 0 ? [] : descriptorsOf(state.pid),
    layers: readLayers(store.paths, config),
  };
}

function descriptorsOf(pid: number): readonly { readonly fd: number; readonly leads: string }[] {
  const dir = `/proc/${String(pid)}/fd`;
  try {
    return readdirSync(dir)
      .slice(0, MOST_FILES)
      .flatMap((fd) => {
        try {
          return [{ fd: Number(fd), leads: oneLine(readlinkSync(`${dir}/${fd}`)) }];
        } catch {
          return []; // Closed meanwhile.
        }
      });
  } catch {
    return []; // It has ended.
  }
}
