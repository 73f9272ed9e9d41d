/**
 * The picture of the network as text, in any of its formats: what `minidock graph` prints, and what a lab shows before
 * and after a step. It looks from the network namespace this process is in.
 */
import { printableJson } from '../../../runtime/printable.ts';
import { noColors, type Colors } from '../../ui/colors.ts';
import type { ContainerStore } from '../../engine/state/store.ts';
import { drawDot } from './dot.ts';
import { layOut } from './layout.ts';
import { findMark } from './mark.ts';
import { drawMermaid } from './mermaid.ts';
import type { Model } from './model.ts';
import { observe } from './observe.ts';
import { outline } from './outline.ts';
import { drawSvg } from './svg.ts';
import { drawText, toAscii } from './text.ts';
import { legend } from './legend.ts';

export const FORMATS = ['text', 'mermaid', 'dot', 'svg', 'json'] as const;
export type Format = (typeof FORMATS)[number];

export interface DrawOptions {
  readonly format?: Format;
  /** Columns; 80 where unknown. */
  readonly width?: number;
  readonly ascii?: boolean;
  readonly colors?: Colors;
  /** A container, or any namespace of the picture, whose path is highlighted. */
  readonly mark?: string;
  readonly all?: boolean;
  /** Draw only the picture, without the firewall's rules below it. */
  readonly brief?: boolean;
}

/** Ends with a newline. @throws MinidockError 'NOT_IN_GRAPH'. */
export async function drawGraph(store: ContainerStore, options: DrawOptions = {}): Promise<string> {
  return renderGraph(await observe(store, { all: options.all ?? false }), options);
}

export function renderGraph(model: Model, options: DrawOptions = {}): string {
  const { format = 'text', width = 80, ascii = false, colors = noColors } = options;
  const mark = options.mark === undefined ? undefined : findMark(model, options.mark);
  switch (format) {
    case 'json':
      return `${printableJson(model, 2)}\n`;
    case 'dot':
      return drawDot(outline(model, mark));
    case 'mermaid':
      return drawMermaid(outline(model, mark));
    case 'svg':
      return drawSvg(layOut(model, { width: 'natural', mark }), 'The network, as the kernel has it');
    case 'text': {
      const picture = drawText(layOut(model, { width, mark }), { ascii, colors });
      const below = options.brief === true ? '' : legend(model, { width, mark, colors });
      return picture + (ascii ? toAscii(below) : below);
    }
  }
}
