// The steps of the self-test for one protocol, upon one connection: what a mail program does that looks at a mailbox.
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { MailProtocol } from '../contract/connection.ts';
import type { SelfTestStep } from '../contract/state.ts';
import { type Conversation, createConversation } from './mail-conversation.ts';
import type { TestMessage } from './test-mailbox.ts';
import type { TestRoute } from './test-route.ts';
import type { TestServer } from './test-server.ts';
import { createImapTalk, createPop3Talk, type Talk } from './test-talk.ts';

export interface Path {
  readonly protocol: Exclude<SelfTestStep['protocol'], 'kernel'>;
  /** What the settings call it. */
  readonly mail: MailProtocol;
  readonly tls: 'none' | 'implicit' | 'upgrade';
}

export const paths: readonly Path[] = [
  { protocol: 'imap', mail: 'imap', tls: 'none' },
  { protocol: 'imaps', mail: 'imaps', tls: 'implicit' },
  { protocol: 'imap-starttls', mail: 'imap', tls: 'upgrade' },
  { protocol: 'pop3', mail: 'pop3', tls: 'none' },
  { protocol: 'pop3s', mail: 'pop3s', tls: 'implicit' },
  { protocol: 'pop3-stls', mail: 'pop3', tls: 'upgrade' },
];

/** The steps of a path, in the order in which they happen. */
export function stepsOf({ tls }: Path): readonly SelfTestStep['step'][] {
  const opening = {
    none: ['redirect', 'greeting'],
    implicit: ['redirect', 'tls', 'greeting'],
    upgrade: ['redirect', 'greeting', 'tls'],
  } as const;
  return [...opening[tls], 'sign-in', 'clean-message', 'test-virus'];
}

/** What went wrong, in technical words; undefined: nothing. A failure of the connection rejects. */
export type Problem = string | undefined;

export interface TestConnectionParts {
  readonly path: Path;
  readonly port: number;
  readonly server: TestServer;
  readonly route: TestRoute;
  /** The certificate of our root. */
  readonly rootPem: string;
}

/** A path's connection. Each step needs those before it. */
export class TestConnection {
  readonly #parts: TestConnectionParts;
  #socket: Socket | undefined;
  #open: { readonly conversation: Conversation; readonly talk: Talk } | undefined;

  constructor(parts: TestConnectionParts) {
    this.#parts = parts;
  }

  async run(step: SelfTestStep['step'], signal: AbortSignal): Promise<Problem> {
    const { clean, infected } = this.#parts.server.mailbox;
    switch (step) {
      case 'redirect':
        return await this.#redirect(signal);
      case 'greeting':
        return await this.#talk.greeting();
      case 'tls':
        return await this.#secure(signal);
      case 'sign-in':
        return await this.#talk.signIn(this.#parts.server.mailbox);
      case 'clean-message':
        return await this.#fetch(clean, (octets) => octets.equals(clean.octets));
      case 'test-virus':
        return await this.#fetch(
          infected,
          (octets) => !infected.forbidden.some((text) => octets.includes(text)),
        );
    }
  }

  /** Signs off, and waits for the end of the connection. */
  async leave(signal: AbortSignal): Promise<Problem> {
    const socket = this.#socket;
    if (!socket || socket.closed) return undefined;
    const closed = once(socket, 'close', { signal });
    this.#talk.bye();
    socket.end();
    await closed;
    return undefined;
  }

  destroy(): void {
    this.#socket?.destroy();
  }

  get #talk(): Talk {
    if (!this.#open) throw new Error('nothing was said yet');
    return this.#open.talk;
  }

  #speak(socket: Socket): void {
    const conversation = createConversation(socket);
    const { mail } = this.#parts.path;
    const isImap = mail === 'imap' || mail === 'imaps';
    this.#open = {
      conversation,
      talk: isImap ? createImapTalk(conversation) : createPop3Talk(conversation),
    };
  }

  async #redirect(signal: AbortSignal): Promise<Problem> {
    const { path, port, server, route } = this.#parts;
    const target = { server: server.endpoint(path.mail), ca: server.ca };
    this.#socket = await route.open(port, target, signal);
    if (path.tls !== 'implicit') this.#speak(this.#socket);
    return undefined;
  }

  async #secure(signal: AbortSignal): Promise<Problem> {
    const { path, server, rootPem } = this.#parts;
    if (path.tls === 'upgrade') {
      const refused = await this.#talk.askForTls();
      if (refused !== undefined) return refused;
    }
    const plain = this.#open?.conversation.leave() ?? this.#socket;
    if (!plain) throw new Error('there is no connection');
    // As a mail program that trusts our root, and nobody else.
    const socket = connectTls({ socket: plain, servername: server.serverName, ca: rootPem });
    await once(socket, 'secureConnect', { signal });
    socket.on('error', () => socket.destroy());
    this.#socket = socket;
    if (this.#open) this.#open.conversation.use(socket);
    else this.#speak(socket);
    const certificate = socket.getPeerX509Certificate();
    const root = new X509Certificate(rootPem);
    const isOurs = certificate?.checkIssued(root) && certificate.verify(root.publicKey);
    return isOurs ? undefined : 'the certificate is not one of ours';
  }

  async #fetch(message: TestMessage, isAsItShould: (octets: Buffer) => boolean): Promise<Problem> {
    const fetched = await this.#talk.fetch(message);
    if (typeof fetched === 'string') return fetched;
    const { octets, sizeBytes } = fetched;
    const sent = message.octets.length;
    if (octets.length !== sent || sizeBytes !== sent)
      return `${octets.length} octets came, ${sizeBytes} were announced, ${sent} were sent`;
    if (isAsItShould(octets)) return undefined;
    return message.forbidden.length > 0 ? 'the test virus came through' : 'it came changed';
  }
}
