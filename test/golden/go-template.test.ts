/**
 * go-template.json holds what the `docker` command (26.1.5, Go 1.24) answered to
 * `docker context inspect default --format TEMPLATE`, template by template: literals, functions, verbs, control
 * structures and mistakes. Nothing in it depends on the context inspected.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { compileTemplate } from '../../src/docker/go-template/template.ts';

const golden = JSON.parse(readFileSync(new URL('go-template.json', import.meta.url), 'utf8')) as Readonly<
  Record<string, string>
>;

function answer(template: string): string {
  try {
    return compileTemplate(template).execute({});
  } catch (error) {
    return `error: ${(error as Error).message}`;
  }
}

describe('templates answer as the docker command does', () => {
  test.each(Object.entries(golden))('%s', (template, expected) => {
    expect(answer(template)).toBe(expected);
  });
});
