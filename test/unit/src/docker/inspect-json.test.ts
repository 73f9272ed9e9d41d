import { describe, expect, test } from '@jest/globals';
import { compileTemplate } from '../../../../src/docker/go-template/template.ts';
import { inspectImage } from '../../../../src/docker/inspect/image.ts';
import { inspectContainer } from '../../../../src/docker/inspect/container.ts';
import {
  anonymousVolume,
  createdState,
  exitedState,
  plainSpec,
  runningState,
  sampleConfig,
  sampleImage,
  webId,
} from '../../../support/container-samples.ts';

const paths = { root: '/var/lib/minidock', run: '/run/minidock' };
const web = inspectContainer(sampleConfig(), runningState, paths);
const unpublished = runningState.network === undefined ? undefined : { ...runningState.network, ports: [] };
const plain = inspectContainer(
  sampleConfig({ spec: plainSpec }),
  { ...runningState, network: unpublished },
  paths,
);
const asJson = (value: unknown): Record<string, Record<string, unknown>> =>
  JSON.parse(JSON.stringify(value)) as Record<string, Record<string, unknown>>;

const format = (template: string, data: unknown = web): string => compileTemplate(template).execute(data);

describe('templates over a container, with the answers that docker inspect -f gave', () => {
  test.each([
    ['{{range.NetworkSettings.Networks}}{{.IPAddress}}{{end}}', '172.17.0.2'],
    ['{{range .NetworkSettings.Networks}}{{.MacAddress}}{{end}}', '02:42:ac:11:00:02'],
    ['{{.NetworkSettings.Networks.bridge.IPAddress}}', '172.17.0.2'],
    ['{{.NetworkSettings.Networks.nope.IPAddress}}', '<no value>'],
    [
      '{{range $p, $conf := .NetworkSettings.Ports}} {{$p}} -> {{(index $conf 0).HostPort}} {{end}}',
      ' 80/tcp -> 8080  90/tcp -> 9090  91/tcp -> 9091 ',
    ],
    ['{{(index (index .NetworkSettings.Ports "80/tcp") 0).HostPort}}', '8080'],
    [
      '{{.NetworkSettings.Ports}}',
      'map[80/tcp:[{0.0.0.0 8080}] 90/tcp:[{127.0.0.1 9090}] 91/tcp:[{127.0.0.1 9091}]]',
    ],
    [
      '{{.HostConfig.PortBindings}}',
      'map[80/tcp:[{ 8080}] 90/tcp:[{127.0.0.1 9090}] 91/tcp:[{127.0.0.1 9091}]]',
    ],
    ['{{.Config.Labels}}', 'map[b:a foo:bar x.y:z]'],
    ['{{index .Config.Labels "x.y"}}', 'z'],
    ['{{index .Config.Labels "nope"}}|', '|'],
    ['{{.Config.Labels.nope}}', '<no value>'],
    ['{{json .Config.Labels}}', '{"b":"a","foo":"bar","x.y":"z"}'],
    ['{{.Config.ExposedPorts}}', 'map[80/tcp:{} 90/tcp:{} 91/tcp:{}]'],
    ['{{range $k, $v := .Config.ExposedPorts}}{{$k}}:{{$v}}{{end}}', '80/tcp:{}90/tcp:{}91/tcp:{}'],
    ['{{.HostConfig.Binds}}', '[/srv/src:/src:ro vol:/v]'],
    ['{{join .HostConfig.Binds ","}}', '/srv/src:/src:ro,vol:/v'],
    ['{{.HostConfig.CapAdd}} {{json .HostConfig.CapAdd}} {{len .HostConfig.CapAdd}}', '[] null 0'],
    ['{{join .HostConfig.CapAdd ","}}|', '|'],
    ['{{.Config.Entrypoint}}', '[]'],
    ['{{.Config.Cmd}} {{join .Config.Cmd ","}}', '[sleep 1000] sleep,1000'],
    ['{{.Config.Volumes}}', 'map[/anon:{}]'],
    ['{{.HostConfig.MemorySwappiness}} {{.HostConfig.PidsLimit}} {{.SizeRw}}', '<nil> <nil> <nil>'],
    ['{{.State.Health}} {{json .State.Health}} {{with .State.Health}}{{.Status}}{{end}}|', '<nil> null |'],
    ['{{.Config.Healthcheck}} {{if .Config.Healthcheck}}{{.Config.Healthcheck.Test}}{{end}}|', '<nil> |'],
    ['{{.HostConfig.RestartPolicy}}', '{no 0}'],
    ['{{.HostConfig.Tmpfs}}', 'map[/t:size=1m]'],
    ['{{.HostConfig.ConsoleSize}}', '[0 0]'],
    [
      '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}} {{.HostConfig.NanoCpus}}',
      '67108864 134217728 1500000000',
    ],
    ['{{eq .HostConfig.Memory 67108864}}', 'true'],
    [
      '{{range .Mounts}}{{.Source}}->{{.Destination}}:{{.RW}} {{end}}',
      '/srv/src->/src:false /volumes/vol/_data->/v:true /volumes/anonymous/_data->/anon:true ',
    ],
    [
      '{{.Mounts}}',
      `[{bind  /srv/src /src  ro false rprivate} {volume vol /volumes/vol/_data /v local z true } ` +
        `{volume ${anonymousVolume} /volumes/anonymous/_data /anon local  true }]`,
    ],
    [
      '{{with .State}}{{.Status}}{{end}} {{if .State.Running}}up{{end}} {{index .State "Status"}}',
      'running up running',
    ],
    [
      '{{range .State}}{{.}}{{end}}',
      'false00001-01-01T00:00:00Zfalsefalse8051falsetrue2026-11-24T12:41:00.926373601Zrunning',
    ],
    ['{{.ID}} {{slice .Id 0 12}} {{.Id | printf "%.12s"}}', `${webId} 978aaee6dbac 978aaee6dbac`],
    ['{{.Name}}{{"\\n"}}x', '/web\nx'],
    ['{{range $i, $e := .Config.Env}}{{$i}}={{$e}};{{end}}', '0=X=1;1=A=b;'],
  ])('%s', (template, expected) => {
    expect(format(template)).toBe(expected);
  });

  test.each([
    [
      '{{.Foo}}',
      'template parsing error: template: :1:2: executing "" at <.Foo>: map has no entry for key "Foo"',
    ],
    [
      '{{.State.Foo}}',
      'template parsing error: template: :1:8: executing "" at <.State.Foo>: map has no entry for key "Foo"',
    ],
    [
      '{{.State.Health.Status}}',
      'template parsing error: template: :1:8: executing "" at <.State.Health.Status>: map has no entry for key "Health"',
    ],
  ])('%s is an error', (template, message) => {
    expect(() => format(template)).toThrow(message);
  });
});

describe('a container', () => {
  test('mounts are printed as Docker prints them', () => {
    expect(asJson(web)['Mounts']).toEqual([
      {
        Type: 'bind',
        Source: '/srv/src',
        Destination: '/src',
        Mode: 'ro',
        RW: false,
        Propagation: 'rprivate',
      },
      {
        Type: 'volume',
        Name: 'vol',
        Source: '/volumes/vol/_data',
        Destination: '/v',
        Driver: 'local',
        Mode: 'z',
        RW: true,
        Propagation: '',
      },
      {
        Type: 'volume',
        Name: anonymousVolume,
        Source: '/volumes/anonymous/_data',
        Destination: '/anon',
        Driver: 'local',
        Mode: '',
        RW: true,
        Propagation: '',
      },
    ]);
  });

  test('exposed ports that are not published are null, published ones are listed', () => {
    expect(asJson(plain)['NetworkSettings']?.['Ports']).toEqual({ '80/tcp': null });
    expect(asJson(plain)['HostConfig']?.['PortBindings']).toEqual({});
  });

  test('what was never set is null, as in Docker', () => {
    const { HostConfig, Config } = asJson(plain);
    expect(HostConfig).toMatchObject({
      Binds: null,
      CapAdd: null,
      ExtraHosts: null,
      Dns: [],
      PidsLimit: null,
    });
    expect(HostConfig).not.toHaveProperty('Tmpfs');
    expect(Config).toMatchObject({ Volumes: null, Entrypoint: null, OnBuild: null, Labels: {} });
  });

  test('one that has stopped has no address, no pid and no ports', () => {
    const stopped = asJson(
      inspectContainer(sampleConfig(), { ...exitedState, network: runningState.network }, paths),
    );
    expect(stopped['State']).toMatchObject({ Status: 'exited', Running: false, Pid: 0, ExitCode: 3 });
    expect(stopped['NetworkSettings']).toMatchObject({
      IPAddress: '',
      Gateway: '',
      IPPrefixLen: 0,
      Ports: {},
    });
    expect(stopped['NetworkSettings']?.['Networks']).toMatchObject({
      bridge: { IPAddress: '', NetworkID: '' },
    });
  });

  test('one that was never started has no files yet', () => {
    const created = inspectContainer(sampleConfig(), createdState, paths);
    expect(created).toMatchObject({ LogPath: '', HostsPath: '', HostnamePath: '', ResolvConfPath: '' });
  });

  test('sizes are there when asked for', () => {
    const json = Object.keys(inspectContainer(sampleConfig(), runningState, paths, { rw: 5, rootFs: 7 }));
    expect(json.slice(json.indexOf('GraphDriver'))).toEqual([
      'GraphDriver', 'SizeRw', 'SizeRootFs', 'Mounts', 'Config', 'NetworkSettings',
    ]); // prettier-ignore
  });

  test('one in the network of another has no network of its own', () => {
    const network = { ...plainSpec.network, mode: `container:${webId}` };
    const config = sampleConfig({ spec: { ...plainSpec, network } });
    const joined = asJson(inspectContainer(config, { ...runningState, network: undefined }, paths));
    expect(joined['NetworkSettings']?.['Networks']).toEqual({});
  });
});

const healthcheck = { Test: ['CMD-SHELL', 'wget -q localhost'], Interval: 30e9, Timeout: 0, Retries: 3 };

describe('a health check', () => {
  const { config } = sampleImage();
  const image = inspectImage(sampleImage({ config: { ...config, config: { Healthcheck: healthcheck } } }));
  const container = inspectContainer(
    sampleConfig({ spec: { ...plainSpec, healthcheck } }),
    runningState,
    paths,
  );

  test.each([
    ['an image', image],
    ['a container', container],
  ])('is shown of %s as Docker shows it: without what is zero, between Cmd and Image', (_, inspected) => {
    const shown = asJson(inspected)['Config'] ?? {};
    expect(shown['Healthcheck']).toEqual({ Test: healthcheck.Test, Interval: 30e9, Retries: 3 });
    const keys = Object.keys(shown);
    expect(keys[keys.indexOf('Healthcheck') - 1]).toBe('Cmd');
    expect(keys[keys.indexOf('Healthcheck') + 1]).toBe('Image');
    expect(format('{{.Config.Healthcheck.Timeout}} {{json .Config.Healthcheck.Test}}', inspected)).toBe(
      '0 ["CMD-SHELL","wget -q localhost"]',
    );
  });

  test('of an image without one is nil; nor are there other extensions', () => {
    const plainImage = inspectImage(sampleImage());
    expect(format('{{.Config.Healthcheck}} {{json .Config.Healthcheck}}', plainImage)).toBe('<nil> null');
    expect(Object.keys(asJson(plainImage)['Config'] ?? {})).not.toContain('Healthcheck');
  });

  test('Docker’s other extensions of a configuration are shown, too', () => {
    const extensions = { OnBuild: ['RUN true'], Shell: ['/bin/bash', '-c'], ArgsEscaped: true };
    const inspected = inspectImage(sampleImage({ config: { ...config, config: extensions } }));
    expect(asJson(inspected)['Config']).toMatchObject(extensions);
  });
});

describe('an image', () => {
  test('names are the familiar ones', () => {
    const image = sampleImage({
      tags: ['docker.io/library/nginx:latest'],
      repoDigests: [`docker.io/library/nginx@sha256:${'a'.repeat(64)}`],
    });
    expect(inspectImage(image)).toMatchObject({
      RepoTags: ['nginx:latest'],
      RepoDigests: [`nginx@sha256:${'a'.repeat(64)}`],
    });
  });

  test('without labels, templates that look for one find nothing', () => {
    const { config } = sampleImage();
    const image = inspectImage(sampleImage({ config: { ...config, config: {} } }));
    expect(format('{{index .Config.Labels "x"}}|{{json .Config.Labels}}|{{.Config.Labels}}', image)).toBe(
      '|null|map[]',
    );
  });
});
