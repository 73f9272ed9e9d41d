/**
 * docker-inspect-keys.json lists every key, in order, of what Docker 26.1.5 answers to `inspect` of a container with
 * ports, mounts, limits and labels, and of an image. Scripts index these objects by name, so none may be missing.
 */
import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { inspectImage } from '../../src/docker/inspect/image.ts';
import { inspectContainer } from '../../src/docker/inspect/container.ts';
import { runningState, sampleConfig, sampleImage } from '../support/container-samples.ts';

const golden = JSON.parse(readFileSync(new URL('docker-inspect-keys.json', import.meta.url), 'utf8')) as {
  readonly container: readonly string[];
  readonly image: readonly string[];
};

/** '.HostConfig.Binds', '.Mounts[].Type': of the first element where there are several. */
function keyPaths(value: unknown, path = ''): readonly string[] {
  if (Array.isArray(value)) return value.length === 0 ? [] : keyPaths(value[0], `${path}[]`);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => [
    `${path}.${key}`,
    ...keyPaths(member, `${path}.${key}`),
  ]);
}

const asJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

test("a container's keys are Docker's, in Docker's order", () => {
  const inspected = inspectContainer(sampleConfig(), runningState, { root: '/r', run: '/s' });
  expect(keyPaths(asJson(inspected))).toEqual(golden.container);
});

test("an image's keys are Docker's, in Docker's order", () => {
  expect(keyPaths(asJson(inspectImage(sampleImage())))).toEqual(golden.image);
});
