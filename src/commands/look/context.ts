/** `context ls`, `context show`, `context use`: there is one, this host. */
import { MinidockError } from '../../../runtime/errors.ts';
import { formatList } from '../../docker/format.ts';
import { stdout } from '../../io/standard-streams.ts';
import type { Verb } from '../shared/verb.ts';

const NAME = 'default';
const ROW = {
  ContextType: 'minidock',
  Current: 'true',
  Description: 'This host, without a daemon',
  DockerEndpoint: '',
  Error: '',
  Name: NAME,
};

export const contextList: Verb = {
  configure(command) {
    command
      .usage('[OPTIONS]')
      .option('--format <string>', "Format output: 'table', 'table TEMPLATE', 'json', or a Go template")
      .option('-q, --quiet', 'Only show context names')
      .action(async ({ format, quiet = false }: { readonly format?: string; readonly quiet?: boolean }) => {
        const isTable = format === undefined || format.startsWith('table');
        const rows = [isTable && !quiet ? { ...ROW, Name: `${NAME} *` } : ROW];
        const style = {
          columns: {
            Name: 'NAME',
            Description: 'DESCRIPTION',
            DockerEndpoint: 'DOCKER ENDPOINT',
            Error: 'ERROR',
          },
          defaultColumns: ['Name', 'Description', 'DockerEndpoint', 'Error'],
          quietColumn: 'Name',
        };
        stdout.writeData(
          await formatList(rows, style, { quiet, ...(format === undefined ? {} : { format }) }),
        );
      });
  },
};

export const contextShow: Verb = {
  configure(command) {
    command.usage('').action(() => stdout.write(`${NAME}\n`));
  },
};

export const contextUse: Verb = {
  configure(command) {
    command
      .usage('CONTEXT')
      .argument('<context>')
      .action((name: string) => {
        if (name !== NAME) {
          throw new MinidockError({
            code: 'NO_SUCH_CONTEXT',
            message: `context "${name}" does not exist`,
            hint: `minidock works on this host only; its one context is "${NAME}".`,
          });
        }
        stdout.write(`${NAME}\nCurrent context is now "${NAME}"\n`);
      });
  },
};
