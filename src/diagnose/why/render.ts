/** The output for people: the way point by point, the probe with its trace, the verdict last. */
import { addressText } from '../../../runtime/network/host-address.ts';
import { renderArgv } from '../../../runtime/plan/quote.ts';
import { oneLine } from '../../../runtime/printable.ts';
import type { Colors } from '../../ui/colors.ts';
import { wrap } from '../../ui/wrap.ts';
import type { Finding, Journey, Place, Probe, TraceEvent, Verdict } from './model.ts';
import type { Scene } from './observe.ts';
import { isNeighbour } from './kinds.ts';

export interface Answer {
  readonly scene: Scene;
  readonly findings: readonly Finding[];
  readonly probe: Probe | undefined;
  readonly verdict: Verdict;
  /** The second part of the way, where minidock relays the connection. */
  readonly relayed?: Answer;
}

const LABEL = 13;
const INDENT = ' '.repeat(LABEL + 4);

export function renderAnswer(answer: Answer, width: number, colors: Colors): string {
  const { verdict, relayed } = answer;
  const lines = [
    ...partLines(answer, width, colors),
    ...(relayed === undefined ? [] : partLines(relayed, width, colors)),
  ];
  const paint = verdict.works ? colors.green : colors.red;
  const { stage, text, look, fix } = verdict.finding;
  const head = verdict.works ? '' : `It stops at: ${stage}: `;
  lines.push(paint(wrap(`${head}${text}.`, width, '', '')));
  if (!verdict.works && look !== undefined) lines.push(`  See: ${colors.cyan(renderArgv(look))}`);
  if (!verdict.works && fix !== undefined) lines.push(`  Fix: ${oneLine(fix)}`);
  return `${lines.join('\n')}\n`;
}

function partLines({ scene, findings, probe }: Answer, width: number, colors: Colors): readonly string[] {
  return [
    ...[colors.bold(oneLine(describeJourney(scene.journey))), ''],
    ...findings.flatMap((finding) => findingLines(finding, width, colors)),
    ...['', ...probeLines(probe, isNeighbour(scene), width, colors), ''],
  ];
}

export function answerJson({ scene, findings, probe, verdict, relayed }: Answer): object {
  const { from, to, toNetns, asked, protocol } = scene.journey;
  return {
    from: nameOf(from),
    to: {
      ...asked,
      protocol,
      container: to?.config.name ?? null,
      netns: toNetns?.name ?? null,
      final: scene.final ?? null,
    },
    works: verdict.works,
    verdict: verdict.finding,
    walk: findings,
    probe: probe ?? null,
    ...(relayed === undefined ? {} : { relayed: answerJson(relayed) }),
  };
}

const nameOf = (from: Place): string =>
  from.kind === 'container' ? from.container.config.name : from.kind === 'netns' ? from.name : from.kind;

export function describeJourney({ from, to, toNetns, asked, published, protocol, source }: Journey): string {
  const sender = nameOf(from) + (source === undefined ? '' : ` (${source})`);
  const address = asked.address === '' ? (to?.config.name ?? 'the host') : asked.address;
  const target = `${addressText(address)}:${asked.port}/${protocol}`;
  const behind =
    to === undefined || asked.address === ''
      ? toNetns === undefined
        ? ''
        : ` (${toNetns.name})`
      : published === undefined
        ? ` (${to.config.name})`
        : `, published by ${to.config.name} as ${published.containerPort}`;
  return `${sender} -> ${target}${behind}`;
}

const MARKS = { ok: '+', stop: 'x', maybe: '?', note: '-' } as const;

function findingLines(
  { stage, status, text, look }: Finding,
  width: number,
  colors: Colors,
): readonly string[] {
  const paint = { ok: colors.green, stop: colors.red, maybe: colors.yellow, note: colors.dim }[status];
  const prefix = `  ${stage.padEnd(LABEL)}${MARKS[status]} `.padEnd(INDENT.length);
  const body = wrap(text, width, prefix, INDENT);
  const marked = body.replace(` ${MARKS[status]} `, ` ${paint(MARKS[status])} `);
  const shown =
    look === undefined || status === 'note' ? [] : [`${INDENT}${colors.dim(`$ ${renderArgv(look)}`)}`];
  return [marked, ...shown];
}

function ruleText({ rule, verdict }: TraceEvent): string {
  if (rule === '') return `policy ${verdict}`;
  return rule.endsWith(verdict) ? rule : `${rule}: ${verdict}`;
}

/** Bridged frames pass hooks that mostly have no chain, so the output names the hooks. */
function probeLines(
  probe: Probe | undefined,
  frames: boolean,
  width: number,
  colors: Colors,
): readonly string[] {
  if (probe === undefined) return ['Probe: none was sent.'];
  const outcome = probe.outcome === 'silent' ? 'no answer' : probe.outcome;
  const head = `Probe: from ${probe.from} to ${probe.to}: ${outcome} (${probe.milliseconds.toFixed(1)} ms).`;
  const lines = [wrap(head, width, '', '       ')];
  if (probe.shortfall !== undefined) lines.push(wrap(probe.shortfall, width, '  ', '  '));
  if (probe.untraced !== undefined) return [...lines, `  Not traced: ${oneLine(probe.untraced)}.`];
  let place = '';
  for (const event of probe.trace ?? []) {
    const { source, destination, sourcePort, destinationPort } = event.packet;
    const way = `${addressText(source)}:${sourcePort} > ${addressText(destination)}:${destinationPort}`;
    if (event.kind === 'enter' && frames && event.family === 'bridge') {
      const links = [event.packet.iif, event.packet.oif].filter(Boolean).join(' -> ');
      lines.push(`  ${event.hook.padEnd(LABEL)}bridge  ${oneLine(links)}  ${colors.dim(way)}`);
    }
    if (event.kind === 'enter' || event.kind === 'leave') continue;
    const here = `${event.id} ${event.hook} ${event.table} ${event.base}`;
    if (here !== place) {
      lines.push(
        `  ${event.hook.padEnd(LABEL)}${oneLine(`${event.family} ${event.table} ${event.base}`)}  ${colors.dim(way)}`,
      );
      place = here;
    }
    const paint = event.verdict === 'drop' ? colors.red : (text: string): string => text;
    lines.push(`${INDENT}${paint(oneLine(ruleText(event)))}`);
  }
  if (probe.trace?.length === 0) {
    lines.push('  No hook of the host saw it.');
  }
  return lines;
}
