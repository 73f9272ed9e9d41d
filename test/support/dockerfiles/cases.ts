/**
 * Dockerfiles to build in Docker and in minidock: *.cases in this folder, all from the folder that context.sh makes.
 *
 *   === NAME [| FLAGS [fails] [stricter] [escaped]]
 *                        `fails`: in both; `stricter`: Docker passes over the mistake; `escaped`: \r and \ufeff are escapes
 *   the Dockerfile
 *   [--- ignore
 *   its .dockerignore]
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface DockerfileCase {
  readonly name: string;
  /** Of `docker build`, as a shell reads them. */
  readonly flags: string;
  readonly fails: boolean;
  /** Docker takes what minidock refuses: a copy would have another owner or mode than the one that is written. */
  readonly stricter: boolean;
  readonly dockerfile: string;
  readonly ignore?: string;
}

const OWN = ['fails', 'stricter', 'escaped'];
const FOLDER = import.meta.dirname;
export const CONTEXT = readFileSync(join(FOLDER, 'context.sh'), 'utf8');

export function dockerfileCases(file: string): readonly DockerfileCase[] {
  const [, ...cases] = readFileSync(join(FOLDER, file), 'utf8').split(/^=== /m);
  return cases.map((text) => {
    const end = text.indexOf('\n');
    const [name = '', flags = ''] = text.slice(0, end).split(' | ');
    const words = flags.split(' ');
    const [body = '', ignore] = text.slice(end + 1).split('--- ignore\n');
    const raw = (escaped: string): string => escaped.replaceAll('\\r', '\r').replaceAll('\\ufeff', '\ufeff');
    return {
      name,
      flags: words.filter((word) => !OWN.includes(word)).join(' '),
      fails: words.includes('fails'),
      stricter: words.includes('stricter'),
      dockerfile: words.includes('escaped') ? raw(body) : body,
      ...(ignore === undefined ? {} : { ignore }),
    };
  });
}

export const caseFiles = (): readonly string[] =>
  readdirSync(FOLDER).filter((name) => name.endsWith('.cases'));
