/** `graph`: the network as the kernel has it, drawn. */
import { Option } from 'commander';
import { FORMATS, type Format } from '../../diagnose/graph/draw.ts';
import { colorsFor } from '../../ui/colors.ts';
import { isUtf8 } from '../../ui/locale.ts';
import type { Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

interface GraphFlags {
  readonly format: Format;
  readonly mark?: string;
  readonly all?: boolean;
  readonly brief?: boolean;
  readonly watch?: boolean;
}

export const graph: Verb = {
  configure(command, { engine }) {
    command
      .usage('[OPTIONS]')
      .addOption(new Option('--format <format>', 'Output format').choices(FORMATS).default('text'))
      .option('--mark <container>', "Highlight one container's path from the uplink to its process")
      .option('--brief', "Draw only the picture, without the firewall's rules")
      .option('-a, --all', 'Include network namespaces without a cable to this host')
      .option('-w, --watch', 'Redraw after each change in the kernel; Ctrl-C ends it')
      .action(async ({ format, mark, all = false, brief = false, watch = false }: GraphFlags) => {
        const { drawGraph } = await import('../../diagnose/graph/draw.ts');
        const draw = async (): Promise<string> =>
          drawGraph(engine.containers, {
            format,
            all,
            brief,
            width: columns(),
            ascii: !isUtf8(),
            colors: await colorsFor(stdout),
            ...(mark === undefined ? {} : { mark }),
          });
        if (!watch) {
          stdout.writeStyled(await draw());
          return;
        }
        const { watchKernel } = await import('../../diagnose/graph/watch.ts');
        let last = '';
        await watchKernel(async () => {
          const now = await draw();
          if (now === last) return;
          if (stdout.isTTY) stdout.writeRaw(CLEAR);
          else if (last !== '') stdout.write('\n');
          stdout.writeStyled(now);
          last = now;
        });
      });
  },
};

/** Moves home and clears the screen: ECMA-48's CUP and ED, and xterm's 3 for the scrollback. */
const CLEAR = '\x1b[H\x1b[2J\x1b[3J';

/** Of the terminal, or as COLUMNS says. */
const columns = (): number => stdout.columns || Number(process.env['COLUMNS']) || 80;
