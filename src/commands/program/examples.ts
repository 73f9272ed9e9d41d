/** What stands below the flags in a verb's --help: its other names, and one command line to start from. */
import type { VerbEntry } from './verb-entry.ts';

/** Of a line, beside its indent. */
const WIDTH = 78;

const EXAMPLES: Readonly<Record<string, string>> = {
  attach: 'attach web',
  'system halt': 'system halt',
  'system boot': 'system boot --dry-run',
  build: 'build -t app .',
  'builder du': 'builder du --filter type=exec.cachemount',
  'builder prune': 'builder prune -f',
  commit: 'commit -c \'CMD ["/run.sh"]\' web my/web:2',
  completion: 'completion bash > /etc/bash_completion.d/minidock',
  'container prune': 'container prune --filter until=24h',
  'container inspect': 'container inspect web',
  'context ls': 'context ls',
  'context show': 'context show',
  'context use': 'context use default',
  cp: 'cp web:/etc/nginx ./nginx',
  create: 'create --name web -p 8080:80 nginx',
  diff: 'diff web',
  doctor: 'doctor --fix',
  events: 'events --since 10m --filter event=die',
  exec: 'exec -it web sh',
  export: 'export -o web.tar web',
  graph: 'graph',
  history: 'history nginx',
  'image inspect': "image inspect -f '{{.Config.Cmd}}' nginx",
  'image prune': 'image prune -a --filter until=240h',
  images: "images --filter dangling=true --format '{{.ID}}'",
  import: 'import rootfs.tar my/base:1',
  info: 'info',
  inspect: "inspect -f '{{.State.Status}}' web",
  kill: 'kill -s HUP web',
  lab: 'lab',
  load: 'load -i images.tar',
  login: 'login registry.example.com',
  'manifest inspect': 'manifest inspect -v nginx:1.27',
  logout: 'logout registry.example.com',
  logs: 'logs -f --tail 20 web',
  'network connect': 'network connect --alias db back web',
  'network create': 'network create --subnet 10.8.0.0/24 back',
  'network disconnect': 'network disconnect back web',
  'network inspect': 'network inspect back',
  'network ls': 'network ls',
  'network prune': 'network prune -f',
  'network rm': 'network rm back',
  pause: 'pause web',
  port: 'port web 80',
  ps: "ps -a --filter status=exited --format '{{.Names}}'",
  pull: 'pull nginx:1.27',
  push: 'push registry.example.com/web:1',
  rename: 'rename web old-web',
  restart: 'restart -t 2 web',
  rm: 'rm -fv web',
  rmi: 'rmi nginx:1.27',
  run: 'run -d --name web -p 8080:80 nginx',
  save: 'save -o images.tar nginx redis',
  search: 'search --filter is-official=true nginx',
  start: 'start web',
  stats: 'stats --no-stream',
  stop: 'stop -t 30 web',
  'system df': 'system df -v',
  'system prune': 'system prune --volumes',
  tag: 'tag nginx:1.27 registry.example.com/web:1',
  top: 'top web -o pid,user,args',
  ui: 'ui',
  unpause: 'unpause web',
  update: 'update --memory 512m --memory-swap 1g --restart unless-stopped web',
  version: 'version',
  'volume create': 'volume create --label team=web data',
  'volume inspect': 'volume inspect data',
  'volume ls': 'volume ls -q',
  'volume prune': 'volume prune -a',
  'volume rm': 'volume rm data',
  wait: 'wait web',
  why: 'why 8080',
};

export function helpFooter({ name, aliases = [] }: VerbEntry): string {
  const names = [name, ...aliases].map((word) => `minidock ${word}`).sort();
  const example = EXAMPLES[name];
  return [
    ...(aliases.length === 0
      ? []
      : [`\nAliases:\n  ${names.join(names.join(', ').length > WIDTH ? ',\n  ' : ', ')}`]),
    ...(example === undefined ? [] : [`\nExample:\n  minidock ${example}`]),
  ].join('\n');
}

export const hasExample = (name: string): boolean => EXAMPLES[name] !== undefined;
