/** The packet filter's part of the way: redirection of a published port, and all chains at the forward hook. */
import type { Argv } from '../../../../runtime/plan/argv.ts';
import { addressText, isEveryAddress } from '../../../../runtime/network/host-address.ts';
import { iptablesOf, nftFamily } from '../family.ts';
import { bad, good } from '../findings.ts';
import type { Finding, Journey } from '../model.ts';
import type { Scene } from '../observe.ts';
import { forwardException } from '../rules/exception.ts';
import { chainsAt, hasRules, ownerOf, ownTableFix, tablesBySource, type Owner } from '../ruleset.ts';

export function checkRedirection({ journey, ruleset, redirection, final }: Scene): readonly Finding[] {
  const { to, published } = journey;
  if (to === undefined || published === undefined || final === undefined) return [];
  const { hostPort, protocol, hostIp } = published;
  const iptables = to.config.spec.network.firewall === 'iptables';
  const map = isEveryAddress(hostIp) ? 'published' : 'published_at';
  const { family } = journey;
  const tool = iptablesOf(family);
  const show: Argv = iptables
    ? [tool, '-t', 'nat', '-S', 'MINIDOCK']
    : ['nft', 'list', 'map', nftFamily(family), 'minidock', map];
  const restart = `minidock restart ${to.config.name}`;
  // The relay of IPv6 serves the port meanwhile.
  const chains = family === 6 ? ['publish'] : ['prerouting', 'publish'];
  const flushed = iptables ? [] : chains.filter((chain) => !hasRules(ruleset, 'minidock', chain));
  if (flushed.length > 0) {
    const text =
      flushed.length === chains.length
        ? "the rules of minidock's table are gone: the ruleset was flushed"
        : `the chain ${flushed[0] ?? ''} of minidock's table has lost its rules: it was flushed`;
    const table: Argv = ['nft', 'list', 'table', nftFamily(family), 'minidock'];
    const fix = ownTableFix(ruleset, to.config.name);
    return [{ ...bad('redirection', 'rule-missing', text, table), fix }];
  }
  if (
    iptables &&
    !/^-A PREROUTING .*-j MINIDOCK(-REDIRECT)?$/m.test(`${ruleset.iptables}\n${ruleset.legacy}`)
  ) {
    const text = "no rule jumps to minidock's chain any more: PREROUTING was flushed";
    const chain: Argv = [tool, '-t', 'nat', '-S', 'PREROUTING'];
    const jump = family === 6 ? '-j MINIDOCK-REDIRECT' : '-m addrtype --dst-type LOCAL -j MINIDOCK';
    const fix = `${tool} -t nat -A PREROUTING ${jump}`;
    return [{ ...bad('redirection', 'rule-missing', text, chain), fix }];
  }
  if (redirection === undefined) {
    const text = `no rule redirects ${hostPort}/${protocol} to ${to.config.name}`;
    return [{ ...bad('redirection', 'rule-missing', text, show), fix: restart }];
  }
  const target = `${addressText(redirection.address)}:${redirection.port}`;
  if (redirection.address !== final.address || redirection.port !== final.port) {
    const text = `the rule sends ${hostPort}/${protocol} to ${target}, and ${to.config.name} is ${addressText(final.address)}:${final.port}`;
    return [{ ...bad('redirection', 'rule-wrong', text, show), fix: restart }];
  }
  return [good('redirection', `DNAT: ${hostPort}/${protocol} becomes ${target}`, show)];
}

/** Every base chain decides: an accept in one does not overrule a drop in another. */
export function checkForward(scene: Scene): readonly Finding[] {
  const { ruleset } = scene;
  const chains = chainsAt(ruleset, 'forward');
  const names = chains.map(({ family, table, name }) => `${family} ${table} ${name}`);
  const passed = names.length === 0 ? 'no chain filters it' : `it passes ${names.join(', ')}`;
  const show: Argv = ['nft', 'list', 'chains'];
  const refused = goalRefusal(scene.journey) ?? ownRefusal(scene.journey);
  const findings: Finding[] = [
    refused === undefined
      ? good('forward', passed, show)
      : { ...refused, stage: 'forward', status: 'maybe', look: show },
  ];
  for (const { family, table, name, policy } of chains) {
    const owner = ownerOf(ruleset, family, table, name);
    if (owner === 'minidock' || (policy !== 'drop' && owner !== 'firewalld')) continue;
    const show: Argv = ['nft', 'list', 'chain', family, table, name];
    findings.push(suspect(scene, owner, `${family} ${table} ${name}`, show));
  }
  if (/^:FORWARD DROP/m.test(ruleset.legacy)) {
    const owner = ownerOf(ruleset, 'legacy', 'filter', 'FORWARD');
    const legacy = `${iptablesOf(ruleset.family)}-legacy`;
    findings.push(suspect(scene, owner, `${legacy} filter FORWARD`, [legacy, '-S', 'FORWARD']));
  }
  return findings;
}

/** What minidock's rules refuse; only 'maybe', since the rules may have been changed. */
export function ownRefusal({
  from,
  to,
  published,
}: Journey): Pick<Finding, 'code' | 'text' | 'fix'> | undefined {
  const home = from.kind === 'container' ? from.container.state.network?.network : undefined;
  const goal = to?.state.network?.network;
  if (home !== undefined && home.name === goal?.name) return undefined;
  if (home?.internal === true) {
    const text = `the network ${home.name} is internal: its containers reach only this host`;
    const fix = `Run it in a network that was made without --internal${goal === undefined ? '' : `, ${goal.name} for one`}.`;
    return { code: 'network-internal', text, fix };
  }
  if (home === undefined || goal === undefined || published !== undefined) return undefined;
  return {
    code: 'networks-apart',
    text: `minidock keeps the networks ${home.name} and ${goal.name} apart: only published ports lead from one to the other`,
    fix: `Run both in one network (--network ${goal.name}), or publish the port (-p) and use this host's address.`,
  };
}

/** Of a network without a way out: the answer to anybody else is dropped, or has no route. */
export function goalRefusal({ from, to }: Journey): Pick<Finding, 'code' | 'text' | 'fix'> | undefined {
  const home = from.kind === 'container' ? from.container.state.network?.network : undefined;
  const goal = to?.state.network?.network;
  if (goal?.internal !== true || from.kind === 'host' || home?.name === goal.name) return undefined;
  const text = `the network ${goal.name} is internal: its containers answer only each other and this host, at a published port too`;
  return { code: 'network-internal', text, fix: 'Run it in a network that was made without --internal.' };
}

/** A stand-in has only one client address. */
export function checkClientRules({ journey, ruleset, clientAddress }: Scene): readonly Finding[] {
  const tables = journey.from.kind === 'outside' ? tablesBySource(ruleset) : [];
  if (tables.length === 0) return [];
  const text =
    `${tables.join(', ')} ${tables.length === 1 ? 'filters' : 'filter'} by source address, and the stand-in has ` +
    `${clientAddress}: another client may see another result`;
  return [{ stage: 'prerouting', status: 'note', code: 'by-client', text }];
}

function suspect(scene: Scene, owner: Owner, chain: string, show: Argv): Finding {
  return {
    stage: 'forward',
    status: 'maybe',
    code: 'forward-drop',
    text: `${chain} (of ${owner}) drops packets that none of its rules accepts`,
    look: show,
    fix: acceptFix(scene, owner, chain.split(' ')),
  };
}

/** The command for the chain's owner that accepts the containers' traffic. */
export function acceptFix(
  scene: Scene,
  owner: Owner,
  [family = '', table = '', chain = '']: readonly string[],
): string {
  const { journey } = scene;
  const network = (journey.to ?? (journey.from.kind === 'container' ? journey.from.container : undefined))
    ?.state.network?.network;
  const bridge = network?.bridge ?? 'minidock0';
  const tool = iptablesOf(journey.family);
  switch (owner) {
    case 'ufw':
      return `ufw route allow in on ${bridge} && ufw route allow out on ${bridge}`;
    case 'firewalld':
      return `firewall-cmd --zone=trusted --change-interface=${bridge}`;
    case 'Docker':
      return `${tool} -I DOCKER-USER -o ${bridge} -j ACCEPT && ${tool} -I DOCKER-USER -i ${bridge} -j ACCEPT`;
    case 'minidock':
      return (
        (goalRefusal(journey) ?? ownRefusal(journey))?.fix ??
        (journey.toNetns === undefined
          ? 'Other machines reach only published ports of a container: run it with -p.'
          : `Other machines reach only published ports of what is on ${bridge}: ${tool} -t nat -A PREROUTING -p ${journey.protocol} --dport PORT -j DNAT --to-destination ${addressText(journey.asked.address)}:${journey.asked.port}`)
      );
    case 'somebody else':
      return forwardException(scene, family, table, chain);
  }
}
