/** `inspect --host`: what the host has of a container, as JSON, a Go template over it, or tables for people. */
import { printableJson } from '../../../runtime/printable.ts';
import { findContainer } from '../../engine/reconcile.ts';
import type { Container } from '../../engine/state/store.ts';
import { stdout } from '../../io/standard-streams.ts';
import { readHostView } from '../../diagnose/inspect-host/host-view.ts';
import { hostTable } from '../../diagnose/inspect-host/table.ts';
import { colorsFor } from '../../ui/colors.ts';
import type { Template } from '../../docker/go-template/template.ts';
import { goStruct } from '../../docker/go-template/value.ts';
import type { Context } from '../shared/verb.ts';

/** `format`: undefined, 'json', 'table' or a template. */
export async function inspectHost(
  context: Context,
  names: readonly string[],
  format: Template | 'json' | 'table' | undefined,
): Promise<void> {
  const containers: Container[] = [];
  for (const name of names) {
    try {
      containers.push(await findContainer(context.engine.containers, name));
    } catch (error) {
      await context.report(error);
    }
  }
  const views = await readHostView(context.engine.containers, containers);
  if (format === undefined) stdout.write(`${printableJson(views, 4)}\n`);
  else if (format === 'json') stdout.write(`${printableJson(views)}\n`);
  else if (format === 'table') {
    const colors = await colorsFor(stdout);
    stdout.writeStyled(views.map((view) => hostTable(view, colors)).join('\n'));
  } else for (const view of views) stdout.writeData(`${format.execute(asGo(view))}\n`);
}

/** Every object is a struct: an unknown field is an error, not `<no value>`. */
function asGo(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(asGo);
  if (typeof value !== 'object' || value === null) return value;
  return goStruct(Object.fromEntries(Object.entries(value).map(([key, member]) => [key, asGo(member)])));
}
