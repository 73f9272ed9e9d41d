/**
 * The HTTP server of the page: on loopback only, a handful of files, one WebSocket for messages and one for each
 * terminal. guard.ts judges each request before anything else happens.
 *
 * Bounds: a message has at most 64 kB; a page that does not read loses pictures, of which only the last counts, then
 * its connection; there are at most so many connections.
 */
import { randomBytes } from 'node:crypto';
import type { Server, ServerWebSocket } from 'bun';
import type { Paths } from '../../engine/state/paths.ts';
import { MACHINE, type Tell } from '../messages.ts';
import { cookieName, judge, safeHeaders, type Secrets } from './guard.ts';
import { Scenes } from './labs.ts';
import { PageSession } from './page-session.ts';
import { TerminalSession } from './terminal-session.ts';

export interface PageFile {
  readonly type: string;
  readonly text: string;
}

export interface ServeOptions {
  readonly paths: Paths;
  readonly files: ReadonlyMap<string, PageFile>;
  readonly version: string;
  /** The page may act on the machine too. */
  readonly actions: boolean;
  /** 0 for a free one. */
  readonly port: number;
}

export interface PageServer {
  /** With the token. */
  readonly address: string;
  close(): Promise<void>;
}

type Session = PageSession | TerminalSession;
interface Data {
  readonly make: (socket: ServerWebSocket<Data>) => Session;
  session?: Session;
}

const LONGEST_MESSAGE = 64 * 1024;
/** Bytes that wait for a page that does not read; then it is hung up. */
const MOST_WAITING = 32 * 2 ** 20;
const MOST_CONNECTIONS = 64;

export function servePage({ paths, files, version, actions, port }: ServeOptions): PageServer {
  const pages = new Set<PageSession>();
  const fanOut = (tell: Tell): void => pages.forEach((page) => page.tell(tell));
  const scenes = new Scenes(paths, {
    heard: (at, tell) => {
      for (const page of pages) page.sceneTold(at, tell);
      if (tell.tell === 'lesson') fanOut(lessons());
    },
    ended: (at, why) => {
      fanOut({ type: 'ended', at, why });
      fanOut(lessons());
    },
    begun: (at) => {
      fanOut(lessons());
      fanOut({ type: 'begun', at });
    },
  });
  const lessons = (): Tell => ({ type: 'lessons', lessons: scenes.lessons(), labs: scenes.running });
  const secret = (): string => randomBytes(32).toString('base64url');
  const words = { token: secret(), session: secret(), base: `/${secret()}/` };
  let connections = 0;

  const answer = (request: Request, server: Server<Data>): Response | undefined => {
    const secrets: Secrets = { ...words, port: server.port ?? 0 };
    const judgement = judge(
      { method: request.method, url: request.url, header: (name) => request.headers.get(name) },
      secrets,
    );
    const nonce = randomBytes(16).toString('base64');
    const headers = safeHeaders(request.headers.get('host') ?? '', nonce);
    switch (judgement.kind) {
      case 'refused':
        return new Response(`${judgement.why}\n`, {
          status: judgement.status,
          headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' },
        });
      case 'enter': {
        const cookie = `${cookieName(secrets.port)}=${words.session}; Path=${words.base}; HttpOnly; SameSite=Strict`;
        return new Response(null, {
          status: 303,
          headers: { ...headers, Location: words.base, 'Set-Cookie': cookie },
        });
      }
      case 'file': {
        const file = files.get(judgement.path);
        if (file === undefined) return new Response('There is no such page.\n', { status: 404, headers });
        const text = file.type.startsWith('text/html') ? file.text.replace('NONCE', nonce) : file.text;
        return new Response(text, { headers: { ...headers, 'Content-Type': file.type } });
      }
      case 'socket':
      case 'terminal': {
        if (connections >= MOST_CONNECTIONS) {
          return new Response('There are too many connections.\n', { status: 503, headers });
        }
        const at = judgement.kind === 'terminal' ? judgement.at : undefined;
        const make = (socket: ServerWebSocket<Data>): Session =>
          at === undefined
            ? new PageSession(socket, { scenes, lessons, version, actions })
            : new TerminalSession(socket, at, scenes, actions);
        if (server.upgrade(request, { data: { make } })) return undefined;
        return new Response('This is a WebSocket.\n', { status: 426, headers });
      }
    }
  };

  const server: Server<Data> = Bun.serve<Data>({
    hostname: '127.0.0.1',
    port,
    maxRequestBodySize: 1024,
    development: false,
    fetch: (request, self) => answer(request, self),
    error: () => new Response('The server has failed.\n', { status: 500 }),
    websocket: {
      maxPayloadLength: LONGEST_MESSAGE,
      backpressureLimit: MOST_WAITING,
      closeOnBackpressureLimit: true,
      perMessageDeflate: false,
      open: (socket) => {
        connections += 1;
        const session = socket.data.make(socket);
        socket.data.session = session;
        if (session instanceof PageSession) pages.add(session);
        session.opened();
      },
      message: (socket, message) => socket.data.session?.received(message),
      drain: (socket) => socket.data.session?.drained(),
      close: (socket) => {
        connections -= 1;
        const { session } = socket.data;
        if (session instanceof PageSession) pages.delete(session);
        session?.closed();
      },
    },
  });
  // The first page finds the picture ready.
  scenes.open(MACHINE);
  return {
    address: `http://127.0.0.1:${String(server.port)}/?token=${words.token}`,
    close: async () => {
      await server.stop(true);
      await scenes.close();
    },
  };
}
