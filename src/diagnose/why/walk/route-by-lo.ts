/** A packet for another machine that a wrong route keeps within this one. */
import type { RouteTo } from '../../host/ip.ts';
import { bad } from '../findings.ts';
import type { Finding, Stage } from '../model.ts';
import { ledAwayFix } from '../route-fix.ts';
import { addressesOf, inStack, type Stack } from '../stack.ts';

/** A route by `lo` to an address that is another machine's. */
export function checkRouteByLoopback(
  stack: Stack,
  route: RouteTo | undefined,
  address: string,
  stage: Stage,
): readonly Finding[] {
  if (route?.dev !== 'lo' || route.type === 'local' || addressesOf(stack).includes(address)) return [];
  const text = `${stack.name} routes ${address} to lo, back to itself`;
  const away = ledAwayFix(stack, { to: address, from: '', dev: 'lo', home: '' });
  const fix = [...stack.enter, away].join(' ');
  return [{ ...bad(stage, 'no-route', text, inStack(stack, ['ip', 'route', 'get', address])), fix }];
}
