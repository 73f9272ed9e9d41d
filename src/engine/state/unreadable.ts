/**
 * What is known of a container whose config.json and its copy are both lost: its id is the name of its directory, a
 * name may still lead to it, and the kernel says whether it runs. That is enough to end and to remove it.
 */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readSmallFile } from './atomic-file.ts';
import type { ContainerConfig } from '../spec/container.ts';
import { containerDir, namesDir, type Paths } from './paths.ts';

export function unreadableConfig(paths: Paths, id: string): ContainerConfig {
  return {
    id,
    name: nameThatLeadsTo(paths, id) ?? id.slice(0, 12),
    created: createdAt(paths, id),
    imageRef: '<unknown>',
    imageId: '',
    platform: 'linux',
    layers: [],
    spec: {
      entrypoint: [],
      cmd: [],
      env: [],
      workingDir: '',
      user: '',
      groupAdd: [],
      hostname: '',
      domainname: '',
      labels: {},
      exposedPorts: [],
      stopSignal: 'SIGTERM',
      stopTimeout: 10,
      tty: false,
      openStdin: false,
      attachStdin: false,
      attachStdout: false,
      attachStderr: false,
      autoRemove: false,
      readOnly: false,
      init: false,
      privileged: false,
      usernsMode: '',
      capAdd: [],
      capDrop: [],
      securityOpt: [],
      seccompProfile: '',
      noNewPrivileges: false,
      ulimits: [],
      sysctls: {},
      devices: [],
      shmSize: 0,
      oomScoreAdj: 0,
      mounts: [],
      network: {
        mode: 'bridge',
        ip: '',
        macAddress: '',
        dns: [],
        dnsSearch: [],
        dnsOptions: [],
        extraHosts: [],
        ports: [],
        publishAll: false,
        firewall: 'nftables',
      },
      resources: {
        memory: 0,
        memorySwap: 0,
        memoryReservation: 0,
        nanoCpus: 0,
        cpuShares: 0,
        cpusetCpus: '',
        pidsLimit: 0,
      },
    },
  };
}

function nameThatLeadsTo(paths: Paths, id: string): string | undefined {
  try {
    return readdirSync(namesDir(paths)).find((name) => readSmallFile(join(namesDir(paths), name)) === id);
  } catch {
    return undefined; // There are no names, or one was given up meanwhile: the id will do.
  }
}

const createdAt = (paths: Paths, id: string): string =>
  statSync(containerDir(paths, id), { throwIfNoEntry: false })?.birthtime.toISOString() ??
  '0001-01-01T00:00:00Z';
