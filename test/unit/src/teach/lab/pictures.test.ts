/** Which pictures stand around a step, and that the model says what changed, not the drawing. */
import { expect, test } from '@jest/globals';
import { factsOf } from '../../../../../src/diagnose/graph/facts.ts';
import { renderGraph } from '../../../../../src/diagnose/graph/draw.ts';
import type { Interface, Model } from '../../../../../src/diagnose/graph/model.ts';
import { picturesText, type Picture } from '../../../../../src/teach/lab/pictures.ts';
import { noColors } from '../../../../../src/ui/colors.ts';
import { sampleModel } from '../../../../support/sample-network.ts';

const style = { width: 80, colors: noColors };
const pictureOf = (model: Model): Picture => ({
  text: renderGraph(model, { width: 80 }),
  facts: factsOf(model),
});
const before = pictureOf(sampleModel);

/** The same with something else for an interface of the host, or without it. */
const withLink = (name: string, change: (link: Interface) => Interface | undefined): Model => ({
  ...sampleModel,
  namespaces: sampleModel.namespaces.map((namespace) => ({
    ...namespace,
    interfaces: namespace.interfaces.flatMap((link) =>
      link.name === name && namespace.kind === 'host' ? (change(link) ?? []) : [link],
    ),
  })),
});
const changes = (model: Model): readonly string[] =>
  picturesText(before, pictureOf(model), 20, style)
    .split('Changed since before:\n')[1]
    ?.trimEnd()
    .split('\n') ?? [];

test('both, where nothing scrolls away or the screen is high enough', () => {
  const after = pictureOf(withLink('spare', () => undefined));
  for (const rows of [0, 200]) {
    expect(picturesText(before, after, rows, style)).toBe(`\nBefore:\n${before.text}\nAfter:\n${after.text}`);
  }
});

test('one and what changed, where two do not fit', () => {
  expect(changes(withLink('spare', (link) => ({ ...link, up: true })))).toEqual([
    '  - this host: spare is down',
    '  + this host: spare is up',
  ]);
});

test('a new port of a bridge is marked', () => {
  expect(changes(withLink('spare', (link) => ({ ...link, master: 3 })))).toEqual([
    '  + this host: spare is a port of minidock0',
  ]);
});

test('a longer name that moves all columns is no change of the others', () => {
  expect(changes(withLink('spare', (link) => ({ ...link, name: 'a-longer-name' })))).toEqual([
    '  - this host: spare',
    '  + this host: a-longer-name',
  ]);
});

test('namespaces in another order, or called by another of their programs, are the same', () => {
  const turned: Model = {
    ...sampleModel,
    namespaces: sampleModel.namespaces
      .map((one) => (one.kind === 'namespace' ? { ...one, label: `${one.label} (7)` } : one))
      .toReversed(),
  };
  expect(picturesText(before, pictureOf(turned), 20, style)).toContain('The picture has not changed');
});

test('a picture that stays as it was is not drawn again', () => {
  expect(picturesText(before, before, 60, style)).not.toContain('║');
});
