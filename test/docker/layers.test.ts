/**
 * Docker's own answers to the cases of test/kernel/layers.test.ts are still those that are recorded.
 * UPDATE_GOLDEN=1 records them anew.
 */
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { missingDocker, startDocker, type DockerHost } from '../support/docker/docker.ts';
import { allCases } from '../support/layers/all-cases.ts';
import { askDocker, recordAnswers, recordedAnswers } from '../support/layers/answers.ts';

const missing = missingDocker();
const testIf = missing === '' ? test : test.skip;
let docker: DockerHost | undefined;
beforeAll(async () => {
  if (missing === '') docker = await startDocker();
}, 60_000);
afterAll(async () => {
  await docker?.dispose();
}, 60_000);

testIf(
  `Docker answers as it did${missing === '' ? '' : ` (${missing})`}`,
  async () => {
    if (docker === undefined) throw new Error('Docker did not start');
    const { stdout } = await docker.docker('info', '--format', '{{.Driver}}');
    expect(stdout.trim()).toBe('overlay2');
    const answers = await askDocker(allCases, docker);
    if (process.env['UPDATE_GOLDEN'] !== undefined) recordAnswers('docker', answers);
    expect(Object.fromEntries(answers)).toEqual(Object.fromEntries(recordedAnswers('docker')));
  },
  600_000,
);
