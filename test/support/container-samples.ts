/**
 * A container and an image as data, for tests of what is shown of them. The container is the one that the Docker
 * outputs in those tests were taken from: `docker run -d --name web -p 8080:80 -p 127.0.0.1:9090-9091:90-91
 * -v /srv/src:/src:ro -v vol:/v -v /anon --tmpfs /t:size=1m --label foo=bar -e X=1 -m 64m --cpus 1.5 --add-host
 * a:1.2.3.4 --dns 192.0.2.1 demo/web:1 sleep 1000`.
 */
import type { StoredImage } from '../../images/types.ts';
import type { PortBinding } from '../../runtime/network/types.ts';
import type { ContainerConfig, ContainerSpec, ContainerState } from '../../src/engine/spec/container.ts';
import { NEW_STATE } from '../../src/engine/state/store.ts';

export const webId = '978aaee6dbac31cd6f616cebbb9a9d5a04c460a1b0ec6401edc4da21a403d703';
export const anonymousVolume = 'c98edaecc82faa75525b835dd0439a6f80fc113e9826d7da95017ed13ae2d841';
export const imageId = 'sha256:07e5581a6f9e56de7ebc418dc92aa7f6377643ec9613be6cbc8620e6f52c1576';

const binding = (hostIp: string, hostPort: number, containerPort: number): PortBinding => ({
  hostIp,
  hostPort,
  containerPort,
  protocol: 'tcp',
});

const ports: readonly PortBinding[] = [
  binding('0.0.0.0', 8080, 80),
  binding('127.0.0.1', 9090, 90),
  binding('127.0.0.1', 9091, 91),
];

export const plainSpec: ContainerSpec = {
  entrypoint: [],
  cmd: ['sleep', '1000'],
  env: ['A=b'],
  workingDir: '',
  user: '',
  groupAdd: [],
  hostname: '71dc15aa0655',
  domainname: '',
  labels: {},
  exposedPorts: ['80/tcp'],
  stopSignal: '',
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
};

export const webSpec: ContainerSpec = {
  ...plainSpec,
  env: ['X=1', 'A=b'],
  hostname: '978aaee6dbac',
  labels: { foo: 'bar', 'x.y': 'z', b: 'a' },
  mounts: [
    { type: 'bind', source: '/srv/src', target: '/src', readOnly: true, options: [] },
    {
      type: 'volume',
      volume: 'vol',
      source: '/volumes/vol/_data',
      target: '/v',
      readOnly: false,
      options: [],
    },
    {
      type: 'volume',
      volume: anonymousVolume,
      anonymous: true,
      source: '/volumes/anonymous/_data',
      target: '/anon',
      readOnly: false,
      options: [],
    },
    { type: 'tmpfs', source: '', target: '/t', readOnly: false, options: ['size=1m'] },
  ],
  network: { ...plainSpec.network, dns: ['192.0.2.1'], extraHosts: ['a:1.2.3.4'], ports },
  resources: { ...plainSpec.resources, memory: 67108864, nanoCpus: 1500000000 },
};

export const sampleConfig = (changes: Partial<ContainerConfig> = {}): ContainerConfig => ({
  id: webId,
  name: 'web',
  created: '2026-11-24T12:41:00.728780441Z',
  imageRef: 'demo/web:1',
  imageId,
  platform: 'linux/amd64',
  layers: ['/layers/base', '/layers/top'],
  spec: webSpec,
  ...changes,
});

export const createdState: ContainerState = NEW_STATE;

export const runningState: ContainerState = {
  ...createdState,
  status: 'running',
  pid: 8051,
  startedAt: '2026-11-24T12:41:00.926373601Z',
  network: {
    network: {
      id: 'b7e67e615bf46432efa989c5c794c45c6c070940619f2875592dc01607102a70',
      name: 'bridge',
      bridge: 'minidock0',
      subnet: '172.17.0.0/16',
      gateway: '172.17.0.1',
      created: '2026-11-24T12:00:00Z',
    },
    netns: `md-${webId.slice(0, 12)}`,
    address: '172.17.0.2',
    macAddress: '02:42:ac:11:00:02',
    hostVeth: 'mdveth0',
    ports,
  },
};

export const exitedState: ContainerState = {
  ...createdState,
  status: 'exited',
  exitCode: 3,
  startedAt: '2026-11-24T12:41:01.3048716Z',
  finishedAt: '2026-11-24T12:41:02.304102996Z',
};

export const sampleImage = (changes: Partial<StoredImage> = {}): StoredImage => ({
  id: imageId,
  manifestDigest: `sha256:${'d'.repeat(64)}`,
  tags: ['docker.io/demo/web:1'],
  repoDigests: [],
  layerDirs: ['/layers/base'],
  size: 2024601,
  lastTagged: '2026-11-24T12:41:00.712951475Z',
  config: {
    created: '2026-11-24T12:41:00.712010263Z',
    architecture: 'amd64',
    os: 'linux',
    config: { Cmd: ['sh'], Env: ['A=b'], ExposedPorts: { '80/tcp': {} }, Labels: { 'x.y': 'z', b: 'a' } },
    rootfs: {
      type: 'layers',
      diff_ids: ['sha256:9c883a2c8bc8daff6b3969e7aaeed8f9777e8d0b3ac6ddf50bd8711ca4868db4'],
    },
    history: [{ comment: 'Imported from -' }],
  },
  ...changes,
});
