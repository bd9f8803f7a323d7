// One scanned connection: feeds what the sockets say to the engine as events and runs its actions. The only writer
// of both sockets while it lives.
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { assertNever } from '../contract/assert-never.ts';
import type { ErrorCode } from '../contract/error-codes.ts';
import type { Engine, EngineAction, EngineEvent, Side } from '../protocols/engine.ts';
import { DotStuffer } from '../protocols/pop3/multiline.ts';
import { ClientWriter } from './client-writer.ts';
import { compressedLeg } from './compressed-leg.ts';
import { Delivery, type DeliveryOptions } from './delivery.ts';
import { reset } from './relay.ts';
import type { Upgrade } from './tls-legs.ts';

export interface SessionOptions {
  readonly client: Socket;
  readonly server: Socket;
  readonly engine: Engine;
  readonly delivery: Omit<DeliveryOptions, 'onRelease' | 'onBacklog'>;
  /** Client octets that the server has already been given, before it was known what it speaks. */
  readonly forwarded: Uint8Array;
  /** Reads the ClientHello, and opens TLS on both legs where that is to be: with the server, then with the client. */
  readonly upgrade: (client: Socket, server: Socket) => Promise<Upgrade>;
  /** The engine is told this often that the client heard nothing: mbsync gives up after 20 s. */
  readonly keepAliveMs: number;
  /** None of the server's ways to sign in passes through us. */
  readonly onNoSignIn: () => void;
  /** TLS is open, and the session listens to both legs. */
  readonly onTls: () => void;
  /** TLS stays unopened: both legs live on, and are no longer the session's, which is over. */
  readonly onRelay: (client: Socket, upgrade: Extract<Upgrade, { readonly kind: 'relay' }>) => void;
  readonly onEnd: (reason: ErrorCode | undefined) => void;
}

/** Why a side is not read from just now; it is read again when none is left. */
type Brake = 'engine' | 'peer-slow' | 'disk-slow' | 'answers-unread' | 'upgrade';

/** Time for the last octets and the close-notify after both ends are said; then the sockets are destroyed. */
const lingerMs = 5_000;

export class Session {
  readonly #options: SessionOptions;
  readonly #engine: Engine;
  readonly #delivery: Delivery;
  readonly #writer: ClientWriter;
  readonly #sockets: Record<Side, Duplex>;
  readonly #brakes: Record<Side, Set<Brake>> = { client: new Set(), server: new Set() };
  #forwarded: Uint8Array;
  readonly #detach: Record<Side, () => void> = { client: () => undefined, server: () => undefined };
  #keepAlive: NodeJS.Timeout | undefined;
  #spoke = false;
  #upgrading = false;
  #ended = false;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#engine = options.engine;
    this.#forwarded = options.forwarded;
    this.#sockets = { client: options.client, server: options.server };
    this.#delivery = new Delivery({
      ...options.delivery,
      onRelease: (message, release) => this.#feed({ kind: 'release', message, release }),
      onBacklog: (waiting) => this.#brake('server', 'disk-slow', waiting),
    });
    this.#writer = new ClientWriter(options.client, {
      onBacklog: (waiting) => this.#brake('server', 'peer-slow', waiting),
      onFlood: (flooded) => this.#brake('client', 'answers-unread', flooded),
      onFailure: () => this.close('spool-failed'),
    });
  }

  /** Begins with what the server has said so far. */
  start(greeting: Uint8Array): void {
    this.#attach('client');
    this.#attach('server');
    // In the order in which they were said: the greeting may hold the answer already.
    if (this.#forwarded.length > 0) this.#feed({ kind: 'data', from: 'client', bytes: this.#forwarded });
    this.#feed({ kind: 'data', from: 'server', bytes: greeting });
    this.#resumeIfFree('client');
    this.#resumeIfFree('server');
  }

  /** Ends both legs at once. */
  close(reason: ErrorCode | undefined): void {
    if (this.#ended) return;
    this.#finish(reason);
    reset(this.#sockets.client);
    reset(this.#sockets.server);
  }

  #attach(side: Side): void {
    const socket = this.#sockets[side];
    const peer: Side = side === 'client' ? 'server' : 'client';
    const onData = (bytes: Uint8Array) => {
      if (!this.#upgrading) this.#feed({ kind: 'data', from: side, bytes });
    };
    const onEnd = () => this.#feed({ kind: 'end', from: side });
    const onDrain = () => {
      if (side === 'server') this.#brake('client', 'peer-slow', false);
    };
    const onError = () => {
      if (this.#ended || this.#sockets[side] !== socket) return;
      this.#finish(side === 'client' ? 'client-vanished' : 'server-vanished');
      reset(this.#sockets[peer]);
    };
    const onClose = () => {
      if (this.#ended) return;
      const clean = socket.readableEnded && socket.writableFinished;
      if (clean && !this.#sockets[peer].destroyed) return;
      this.#finish(clean ? undefined : side === 'client' ? 'client-vanished' : 'server-vanished');
      this.#sockets[peer].destroy();
    };
    socket.on('data', onData).on('end', onEnd).on('drain', onDrain).on('close', onClose);
    // The error handler stays for as long as the socket lives: a late ECONNRESET must find one.
    socket.on('error', onError);
    if (this.#brakes[side].size > 0) socket.pause();
    this.#detach[side] = () => {
      socket.pause();
      socket.off('data', onData).off('end', onEnd).off('drain', onDrain).off('close', onClose);
    };
  }

  #feed(event: EngineEvent): void {
    if (this.#ended) return;
    const { client, server } = this.#sockets;
    // One write per side for all that one event causes.
    client.cork();
    server.cork();
    for (const action of this.#engine.handle(event)) {
      if (this.#ended) break;
      this.#run(action);
    }
    client.uncork();
    server.uncork();
    this.#timeKeepAlive();
  }

  #run(action: EngineAction): void {
    switch (action.kind) {
      case 'send':
        if (action.to === 'client') this.#sendToClient(action.bytes);
        else this.#sendToServer(action.bytes);
        return;
      case 'send-message':
        this.#sendMessage(action.message, action.from, action.to, action.dotStuff);
        return;
      case 'message-start':
        this.#delivery.start(action);
        return;
      case 'message-begun':
        this.#delivery.begun(action.message, action.to);
        return;
      case 'message-data':
        this.#delivery.append(action.message, action.bytes);
        return;
      case 'message-end':
        this.#delivery.end(action.message);
        return;
      case 'message-drop':
        this.#writer.after(() => this.#delivery.drop(action.message));
        return;
      case 'start-tls':
        this.#startTls(action.reply);
        return;
      case 'compress':
        this.#compress(action.side, action.rest);
        return;
      case 'no-sign-in':
        this.#options.onNoSignIn();
        return;
      case 'pause':
        this.#brake(action.side, 'engine', true);
        return;
      case 'resume':
        this.#brake(action.side, 'engine', false);
        return;
      case 'end':
        this.#end(action.to);
        return;
      case 'close':
        this.#writer.after(() => this.#closePolitely(action.reason));
        return;
      default:
        assertNever(action);
    }
  }

  #sendToClient(bytes: Uint8Array): void {
    this.#spoke = true;
    this.#writer.write(bytes);
  }

  #sendToServer(bytes: Uint8Array): void {
    const already = Math.min(bytes.length, this.#forwarded.length);
    if (already > 0) {
      // These octets went out before the engine lived. It must want exactly them, or the server heard something
      // that should not have reached it.
      if (Buffer.compare(bytes.subarray(0, already), this.#forwarded.subarray(0, already)) !== 0) {
        this.close('protocol-violation');
        return;
      }
      this.#forwarded = this.#forwarded.subarray(already);
    }
    if (bytes.length > already && !this.#sockets.server.write(bytes.subarray(already))) {
      this.#brake('client', 'peer-slow', true);
    }
  }

  #sendMessage(message: number, from: number, to: number, dotStuff: boolean): void {
    const stuffer = dotStuff ? new DotStuffer() : undefined;
    const bytes = this.#delivery.inMemory(message, from, to);
    if (bytes) {
      for (const chunk of stuffer ? stuffer.push(bytes) : [bytes]) this.#writer.write(chunk);
      return;
    }
    const delivery = this.#delivery;
    this.#writer.stream(async function* () {
      for await (const chunk of delivery.read(message, from, to)) {
        if (stuffer) yield* stuffer.push(chunk);
        else yield chunk;
      }
    });
  }

  #startTls(reply: Uint8Array): void {
    this.#upgrading = true;
    this.#brake('server', 'upgrade', true);
    this.#writer.write(reply);
    this.#writer.after(() => {
      // Until here octets of the client were read and dropped; from here on its ClientHello is due.
      this.#detach.client();
      this.#detach.server();
      const { client, server } = this.#options;
      client.uncork();
      void this.#options.upgrade(client, server).then((upgrade) => {
        if (this.#ended) return;
        if (upgrade.kind === 'failed') {
          this.close(upgrade.reason);
          return;
        }
        if (upgrade.kind === 'relay') {
          this.#stop();
          this.#options.onRelay(client, upgrade);
          return;
        }
        this.#sockets.client = upgrade.client;
        this.#sockets.server = upgrade.server;
        this.#writer.use(upgrade.client);
        this.#upgrading = false;
        this.#attach('client');
        this.#attach('server');
        this.#brake('server', 'upgrade', false);
        this.#resumeIfFree('client');
        this.#options.onTls();
        this.#feed({ kind: 'tls-ready' });
      });
    });
  }

  #compress(side: Side, rest: Uint8Array): void {
    const swap = () => {
      this.#detach[side]();
      const leg = compressedLeg(this.#sockets[side], rest);
      this.#sockets[side] = leg;
      if (side === 'client') this.#writer.use(leg);
      this.#attach(side);
      this.#resumeIfFree(side);
    };
    if (side === 'client') this.#writer.after(swap);
    else swap();
  }

  #brake(side: Side, brake: Brake, on: boolean): void {
    if (on) {
      this.#brakes[side].add(brake);
      this.#sockets[side].pause();
    } else if (this.#brakes[side].delete(brake)) {
      this.#resumeIfFree(side);
    }
  }

  #resumeIfFree(side: Side): void {
    if (!this.#ended && this.#brakes[side].size === 0) this.#sockets[side].resume();
  }

  #end(to: Side): void {
    if (to === 'client') this.#writer.after(() => this.#sockets.client.end());
    else this.#sockets.server.end();
  }

  #closePolitely(reason: ErrorCode): void {
    if (this.#ended) return;
    const { client, server } = this.#sockets;
    this.#finish(reason);
    server.destroy();
    client.end();
    setTimeout(() => client.destroy(), lingerMs).unref();
  }

  /** The engine hears of each interval in which messages are open and nothing was sent to the client. */
  #timeKeepAlive(): void {
    if (this.#ended || this.#delivery.pending === 0) {
      clearTimeout(this.#keepAlive);
      this.#keepAlive = undefined;
    } else if (!this.#keepAlive) {
      this.#spoke = false;
      this.#keepAlive = setTimeout(() => {
        this.#keepAlive = undefined;
        if (!this.#spoke) this.#feed({ kind: 'keep-alive' });
        this.#timeKeepAlive();
      }, this.#options.keepAliveMs);
      this.#keepAlive.unref();
    }
  }

  #finish(reason: ErrorCode | undefined): void {
    if (this.#ended) return;
    this.#stop();
    this.#options.onEnd(reason);
  }

  #stop(): void {
    this.#ended = true;
    clearTimeout(this.#keepAlive);
    this.#writer.stop();
    this.#delivery.stop();
  }
}
