/** The two ends of a packet: typed, or picked in the picture. */
import type { Model } from '../../diagnose/graph/model.ts';
import { byId } from './dom.ts';

export class AskForm {
  private readonly from = byId('ask-from') as HTMLInputElement;
  private readonly to = byId('ask-to') as HTMLInputElement;

  constructor(send: (words: readonly string[]) => void) {
    byId('ask').addEventListener('submit', (event) => {
      event.preventDefault();
      const [from, to] = [this.from.value.trim(), this.to.value.trim()];
      if (to !== '') send(from === '' ? [to] : [from, '->', to]);
    });
  }

  pick(end: 'from' | 'to', model: Model | undefined, inode: number): void {
    const namespace = model?.namespaces.find((one) => one.inode === inode);
    if (namespace === undefined) return;
    const container = namespace.containers[0]?.name;
    const word = inode === model?.here ? 'host' : (container ?? `netns:${namespace.label}`);
    const address = namespace.interfaces
      .filter(({ kind }) => kind !== 'loopback')
      .flatMap(({ addresses }) => addresses)
      .find((one) => !one.includes(':'))
      ?.split('/')[0];
    this[end].value = end === 'to' ? `${container ?? address ?? ''}:80` : word;
    this[end].focus();
  }
}
