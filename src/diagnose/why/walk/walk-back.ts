/** The way of a container's answer to the client. */
import { bad, good } from '../findings.ts';
import type { Finding } from '../model.ts';
import type { Scene } from '../observe.ts';
import { checkNeighbour } from '../physical.ts';
import { checkGateway, homeIn, routeFix } from '../route-fix.ts';
import { inStack } from '../stack.ts';
import { goalRefusal } from './walk-filter.ts';

export function checkWayBack(scene: Scene): readonly Finding[] {
  const { receiver, backRoute, clientAddress, journey } = scene;
  if (receiver === undefined) return [];
  const get = inStack(receiver, ['ip', 'route', 'get', clientAddress]);
  if (backRoute === undefined) {
    const refused = goalRefusal(journey);
    if (refused !== undefined) return [{ ...bad('way back', refused.code, refused.text, get), ...refused }];
    const text = `${receiver.name} has no route back to the client`;
    const fix = routeFix(receiver, clientAddress, journey.to === undefined ? undefined : homeIn(journey.to));
    return [{ ...bad('way back', 'no-way-back', text, get), fix }];
  }
  const wrong = journey.to === undefined ? [] : checkGateway(receiver, backRoute, journey.to, 'way back');
  const undone = journey.published === undefined ? '' : ', and conntrack undoes the redirection';
  return [
    good('way back', `${receiver.name} answers by ${backRoute.gateway ?? backRoute.dev}${undone}`, get),
    ...wrong,
    ...checkNeighbour('way back', receiver, backRoute, clientAddress, [scene.host, scene.sender]),
  ];
}
