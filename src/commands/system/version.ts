/** `version` */
import { release } from 'node:os';
import { printableJson } from '../../../runtime/printable.ts';
import { compileTemplate } from '../../docker/go-template/template.ts';
import { built, commit, version as programVersion } from '../../io/version.ts';
import type { Verb } from '../shared/verb.ts';
import { stdout } from '../../io/standard-streams.ts';

export const version: Verb = {
  configure(command) {
    command
      .usage('[OPTIONS]')
      .option('-f, --format <string>', "Format output: 'json' or a Go template")
      .option('--short', 'One line')
      .action((flags: { readonly format?: string; readonly short?: boolean }) => {
        if (flags.short === true) {
          stdout.write(`minidock version ${programVersion}, build ${commit}\n`);
          return;
        }
        const data = versionData();
        if (flags.format !== undefined) {
          const text =
            flags.format === 'json' ? printableJson(data) : compileTemplate(flags.format).execute(data);
          stdout.writeData(`${text}\n`);
          return;
        }
        const { Client } = data;
        const lines: readonly (readonly [string, string])[] = [
          ['Version:', Client.Version],
          ['Runtime:', Client.RuntimeVersion],
          ['Git commit:', Client.GitCommit],
          ['Built:', Client.BuildTime],
          ['OS/Arch:', `${Client.Os}/${Client.Arch}`],
          ['Kernel:', Client.KernelVersion],
        ];
        stdout.write('minidock (no server: there is no daemon)\n');
        for (const [name, value] of lines) stdout.write(` ${name.padEnd(18)}${value}\n`);
      });
  },
};

/** Docker's shape; what it calls the server is this same program. */
function versionData() {
  const facts = {
    Version: programVersion,
    RuntimeVersion: `bun ${process.versions['bun'] ?? '-'}`,
    GitCommit: commit,
    Os: 'linux',
    Arch: process.arch === 'x64' ? 'amd64' : process.arch,
    KernelVersion: release(),
    BuildTime: built,
  };
  return { Client: facts, Server: facts };
}
