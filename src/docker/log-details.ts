/**
 * What `logs --details` prints in front of each line: the labels and variables that the options of the json-file driver
 * picked for the container's log, and its tag, as `key=value,key=value`.
 */
import type { ContainerConfig } from '../engine/spec/container.ts';
import { escapeUrlQuery } from './go-template/escapes.ts';
import { compileTemplate } from './go-template/template.ts';
import { compareStrings, goStruct } from './go-template/value.ts';

/** Ends with the space in front of the line. @throws MinidockError 'TEMPLATE_INVALID' for the option `tag`. */
export function logDetails(config: ContainerConfig): string {
  const options = config.spec.log?.options ?? {};
  const variables = config.spec.env.map((text): readonly [string, string] => {
    const at = text.indexOf('=');
    return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
  });
  const attributes = new Map([
    ...picked(Object.entries(config.spec.labels), options['labels'], options['labels-regex']),
    ...picked(variables, options['env'], options['env-regex']),
  ]);
  const tag = options['tag'] === undefined ? '' : logTag(options['tag'], config);
  if (tag !== '') attributes.set('tag', tag);
  const words = [...attributes]
    .sort(([a], [b]) => compareStrings(a, b))
    .map(([key, value]) => `${escapeUrlQuery(key)}=${escapeUrlQuery(value)}`);
  return `${words.join(',')} `;
}

function picked(
  entries: readonly (readonly [string, string])[],
  names = '',
  pattern = '',
): readonly (readonly [string, string])[] {
  const asked = new Set(names.split(','));
  const matches = pattern === '' ? undefined : new RegExp(pattern);
  return entries.filter(([key]) => asked.has(key) || (matches?.test(key) ?? false));
}

/** Docker's fields of a log tag: `--log-opt tag={{.Name}}/{{.ID}}`. */
function logTag(template: string, { id, name, imageId, imageRef }: ContainerConfig): string {
  return compileTemplate(template).execute(
    goStruct({
      ID: id.slice(0, 12),
      FullID: id,
      Name: name,
      ImageID: imageId.slice('sha256:'.length, 'sha256:'.length + 12),
      ImageFullID: imageId,
      ImageName: imageRef,
      DaemonName: 'minidock',
    }),
  );
}
