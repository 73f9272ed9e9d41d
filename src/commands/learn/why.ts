/** `why`: where a packet stops, and the fix. Exit status 0: it works, 1: it does not, 125: error. */
import { MinidockError } from '../../../runtime/errors.ts';
import { printableJson } from '../../../runtime/printable.ts';
import { findContainer, listContainers } from '../../engine/reconcile.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { stdout } from '../../io/standard-streams.ts';
import {
  addressesOf,
  observe,
  readHost,
  readUplinkAddress,
  withNeighbours,
} from '../../diagnose/why/observe.ts';
import { readNamespaces } from '../../diagnose/why/namespaces.ts';
import { probe } from '../../diagnose/why/probe.ts';
import { answerJson, renderAnswer } from '../../diagnose/why/render.ts';
import { parseQuestion } from '../../diagnose/why/question.ts';
import { resolveJourney } from '../../diagnose/why/target.ts';
import { decide } from '../../diagnose/why/verdict.ts';
import { walk } from '../../diagnose/why/walk/walk.ts';
import { colorsFor } from '../../ui/colors.ts';
import type { Verb } from '../shared/verb.ts';

const INTERRUPTED = 130;

export const why: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS] [SENDER [->]] [CONTAINER|ADDRESS]:PORT[/udp]')
      .argument('<target...>')
      .option('--from <address>', 'Ask as a client with this address')
      .option('--json', 'Print the findings as JSON')
      // Keeps commander from reading the arrow as a flag; target.ts refuses real flags.
      .allowUnknownOption()
      .action(
        async (words: readonly string[], flags: { readonly json?: boolean; readonly from?: string }) => {
          try {
            requireRoot('why');
            const question = parseQuestion(words, flags.from);
            const store = context.engine.containers;
            const host = await readHost();
            const journey = await resolveJourney(question, {
              containers: await listContainers(store),
              find: (name) => findContainer(store, name),
              hostAddresses: addressesOf(host).filter((address) => !address.startsWith('127.')),
              uplinkAddress: await readUplinkAddress(host),
              namespaces: readNamespaces,
            });
            const scene = await observe(journey, host);
            const interrupt = new AbortController();
            const stop = (): void => interrupt.abort();
            for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
            const sent = await probe(scene, interrupt.signal);
            if (interrupt.signal.aborted) {
              context.exit(INTERRUPTED);
              return;
            }
            // A try fills the neighbour tables.
            const findings = walk(await withNeighbours(scene));
            const verdict = decide(scene, findings, sent);
            const answer = { scene, findings, probe: sent, verdict };
            if (flags.json === true) stdout.write(`${printableJson(answerJson(answer), 4)}\n`);
            else stdout.writeStyled(renderAnswer(answer, stdout.columns || 80, await colorsFor(stdout)));
            context.exit(verdict.works ? 0 : 1);
          } catch (error) {
            throw asTrouble(error);
          }
        },
      );
  },
};

/** 1 is an answer here, so errors use Docker's 125. */
function asTrouble(error: unknown): unknown {
  if (!(error instanceof MinidockError)) return error;
  const { code, message, hint, cause } = error;
  return new MinidockError({ code, message, cause, exitCode: 125, ...(hint === undefined ? {} : { hint }) });
}
