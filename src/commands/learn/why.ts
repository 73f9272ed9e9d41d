/** `why`: where a packet stops, and the fix. Exit status 0: it works, 1: it does not, 125: error. */
import { MinidockError } from '../../../runtime/errors.ts';
import { printableJson } from '../../../runtime/printable.ts';
import { findContainer, listContainers } from '../../engine/reconcile.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { stdout } from '../../io/standard-streams.ts';
import { answerFor } from '../../diagnose/why/answer.ts';
import type { Family } from '../../diagnose/why/family.ts';
import { readHost, uplinkAddressOf } from '../../diagnose/why/stack.ts';
import { readNamespaces } from '../../diagnose/why/namespaces.ts';
import { answerJson, renderAnswer } from '../../diagnose/why/render.ts';
import { parseQuestion } from '../../diagnose/why/question.ts';
import { resolveJourney } from '../../diagnose/why/target.ts';
import { isLoopback } from '../../diagnose/why/family.ts';
import { colorsFor } from '../../ui/colors.ts';
import type { Verb } from '../shared/verb.ts';

const INTERRUPTED = 130;

const SENDERS = `
SENDER asks; without one it is a client outside for :PORT, else this host:
  outside          A client on another machine
  host             This host
  CONTAINER        A container, by its name or id
  netns:NAME       A network namespace of ip netns, or of a lab
--from ADDRESS stands for a SENDER: the one with that address, here or outside.

The target is a port of this host (:PORT), a container's (CONTAINER:PORT), a
namespace's (netns:NAME:PORT) or another machine's (ADDRESS:PORT).
`;

export const why: Verb = {
  configure(command, context) {
    command
      .usage('[OPTIONS] [SENDER [->]] [CONTAINER|ADDRESS]:PORT[/udp]')
      .argument('<target...>')
      .option('--from <address>', 'Ask as a client with this address')
      .option('-4, --ipv4', 'Ask by IPv4')
      .option('-6, --ipv6', 'Ask by IPv6')
      .option('--json', 'Print the findings as JSON')
      .addHelpText('after', SENDERS)
      // Keeps commander from reading the arrow as a flag; target.ts refuses real flags.
      .allowUnknownOption()
      .action(async (words: readonly string[], flags: Flags) => {
        try {
          requireRoot('why');
          const question = parseQuestion(words, { source: flags.from, family: familyIn(flags) });
          const store = context.engine.containers;
          const host = await readHost();
          const journey = await resolveJourney(question, {
            containers: await listContainers(store),
            find: (name) => findContainer(store, name),
            hostAddresses: host.addresses.filter((address) => !isLoopback(address)),
            uplinkAddress: async (family) => uplinkAddressOf(await host.stack(family), flags.from),
            namespaces: readNamespaces,
          });
          const interrupt = new AbortController();
          const stop = (): void => interrupt.abort();
          for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
          const answer = await answerFor(journey, host, interrupt.signal);
          if (answer === undefined) {
            context.exit(INTERRUPTED);
            return;
          }
          if (flags.json === true) stdout.write(`${printableJson(answerJson(answer), 4)}\n`);
          else stdout.writeStyled(renderAnswer(answer, stdout.columns || 80, await colorsFor(stdout)));
          context.exit(answer.verdict.works ? 0 : 1);
        } catch (error) {
          throw asTrouble(error);
        }
      });
  },
};

interface Flags {
  readonly json?: boolean;
  readonly from?: string;
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
}

/** undefined where no flag says it. @throws MinidockError 'INVALID_ARGUMENT' for both. */
function familyIn({ ipv4, ipv6 }: Flags): Family | undefined {
  if (ipv4 === true && ipv6 === true)
    throw new MinidockError({ code: 'INVALID_ARGUMENT', message: 'why asks by one family: -4 or -6' });
  return ipv6 === true ? 6 : ipv4 === true ? 4 : undefined;
}

/** 1 is an answer here, so errors use Docker's 125. */
function asTrouble(error: unknown): unknown {
  if (!(error instanceof MinidockError)) return error;
  const { code, message, hint, cause } = error;
  return new MinidockError({ code, message, cause, exitCode: 125, ...(hint === undefined ? {} : { hint }) });
}
