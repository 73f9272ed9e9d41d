/** `doctor`: what is wrong with this host, as far as containers go; 1 if anything is. */
import type { FirewallBackend } from '../../../runtime/network/types.ts';
import { printableJson } from '../../../runtime/printable.ts';
import type { Finding } from '../../diagnose/doctor/finding.ts';
import { keepQuietAboutDamage } from '../../engine/state/damage.ts';
import { examine, isWell, mend } from '../../diagnose/doctor/examine.ts';
import { requireRoot } from '../../engine/require-root.ts';
import { stdout } from '../../io/standard-streams.ts';
import { examineLabs } from '../../teach/lab/leftovers.ts';
import { colorsFor } from '../../ui/colors.ts';
import { WHILE, withSpinner } from '../../ui/spinner.ts';
import { renderMended, renderReport, reportJson } from '../../diagnose/doctor/report.ts';
import type { Verb } from '../shared/verb.ts';

interface Flags {
  readonly fix?: boolean;
  readonly json?: boolean;
}

export const doctor: Verb = {
  configure(command, context) {
    const { engine } = context;
    command
      .usage('[OPTIONS]')
      .option('--fix', 'Repair what belongs to minidock, and print the commands')
      .option('--json', 'Print the findings as JSON')
      .action(async (flags: Flags) => {
        requireRoot('doctor');
        keepQuietAboutDamage();
        const backend: FirewallBackend =
          process.env['MINIDOCK_FIREWALL'] === 'iptables' ? 'iptables' : 'nftables';
        const look = (): Promise<readonly Finding[]> =>
          withSpinner(
            'Looking at the host',
            () => examine(engine.containers, backend, examineLabs(engine.paths)),
            { after: WHILE },
          );
        let findings = await look();
        const mended = flags.fix === true ? await mend(findings) : [];
        if (mended.length > 0) findings = await look();
        if (flags.json === true) stdout.write(`${printableJson(reportJson(findings, mended), 2)}\n`);
        else {
          const colors = await colorsFor(stdout);
          const done = renderMended(mended, colors);
          stdout.writeStyled((done === '' ? '' : `${done}\n`) + renderReport(findings, colors));
        }
        context.exit(isWell(findings) ? 0 : 1);
      });
  },
};
