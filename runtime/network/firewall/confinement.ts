/** A network that has IPv6 alone: what both firewalls say of keeping its IPv4 in. */
import type { HostStep } from '../../plan/step.ts';

export const confinementWords = (
  bridge: string,
): Pick<HostStep, 'id' | 'section' | 'title' | 'why' | 'without'> => ({
  id: 'firewall.isolate',
  section: 'nat',
  title: `Let no IPv4 through ${bridge}`,
  why:
    'The network has IPv6 alone, but its containers can send any packet. The host forwards IPv4 for other networks, ' +
    'and would for this one.',
  without: 'A container sends IPv4 packets to other hosts, under any address.',
});
