/** `build --check` and `# check=`: BuildKit's build checks, which carry nothing out. Pure. */
import { BuildError } from '../errors.ts';
import type { Dockerfile } from '../parse/dockerfile.ts';
import { showLines } from '../show-lines.ts';
import { pageOf, type Finding } from './finding.ts';
import { checkStages, type StageScope } from './stage-rules.ts';
import { checkText } from './text-rules.ts';

/** In the order of their lines, without those that `# check=skip=` names. */
export function checkDockerfile(dockerfile: Dockerfile, scope: StageScope): readonly Finding[] {
  const { skips } = settingsOf(dockerfile);
  if (skips.includes('all')) return [];
  return [...checkText(dockerfile), ...checkStages(dockerfile, scope)]
    .filter(({ rule }) => !skips.includes(rule.toLowerCase()))
    .sort((a, b) => a.lines.first - b.lines.first);
}

/** `# check=skip=A,B;error=true` */
function settingsOf({ directives: { check = '' } }: Dockerfile): {
  readonly skips: readonly string[];
  readonly isError: boolean;
} {
  const settings = new Map(
    check.split(';').map((part) => {
      const [name = '', value = ''] = part.split('=', 2);
      return [name.trim().toLowerCase(), value.trim().toLowerCase()] as const;
    }),
  );
  for (const name of settings.keys())
    if (!['', 'skip', 'error', 'experimental'].includes(name))
      throw new BuildError({
        code: 'DOCKERFILE_SYNTAX',
        message: `unknown option "${name}" of the check directive`,
      });
  const skips = (settings.get('skip') ?? '').split(',').map((rule) => rule.trim());
  return { skips, isError: settings.get('error') === 'true' };
}

/** `error=true` lets a build with warnings fail. @throws BuildError in BuildKit's words. */
export function refuseFindings(dockerfile: Dockerfile, findings: readonly Finding[]): void {
  if (findings.length === 0 || !settingsOf(dockerfile).isError) return;
  const rules = [...new Set(findings.map(({ rule }) => rule))].sort().join(', ');
  throw new BuildError({
    code: 'CHECK_FAILED',
    message: `lint violation found for rules: ${rules}`,
    hint: 'minidock build --check shows where.',
  });
}

export function showFindings(name: string, lines: readonly string[], findings: readonly Finding[]): string {
  const count = findings.length;
  if (count === 0) return 'Check complete, no warnings found.\n';
  const head = `Check complete, ${count === 1 ? '1 warning has' : `${String(count)} warnings have`} been found!\n`;
  return [
    head,
    ...findings.map(
      (finding) =>
        `WARNING: ${finding.rule} - ${pageOf(finding.rule)}\n${finding.message}\n${showLines(name, lines, finding.lines)}`,
    ),
  ].join('\n');
}
