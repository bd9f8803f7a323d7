// What every protocol engine is: a pure state machine that takes events of one connection and answers with
// actions. It knows no socket, timer, spool or scanner. Any split of the input gives the same octets out.
import type { ErrorCode } from '../contract/error-codes.ts';

export type Side = 'client' | 'server';

/** Names one message (or one piece of one) of this connection, from `message-start` on. */
export type MessageId = number;

/**
 * What the octets of a message are. `whole`: all of it. `slice`: a stretch of it, which is found octet for octet in
 * the whole message and gets that one's delivered octets, or is refused. `piece`: octets that the server made out of it
 * (decoded, selected): they are scanned on their own, unless they are found in the whole message all the same. `probe`: they stand in the whole message
 * at a place that is known, or are refused; they never leave themselves.
 */
export type Extent = 'whole' | 'piece' | 'slice' | 'probe';

/** What becomes of a message: its delivered form (same octet count as the original) may leave, or must not. */
export type Release = 'deliver' | 'refuse';

export type EngineEvent =
  /** Octets that arrived from one side, already out of TLS. */
  | { readonly kind: 'data'; readonly from: Side; readonly bytes: Uint8Array }
  /** One side has sent all that it will send (FIN). */
  | { readonly kind: 'end'; readonly from: Side }
  /** Both legs speak TLS now; answers `start-tls`. */
  | { readonly kind: 'tls-ready' }
  /** Answers `message-end`: the message may leave in its delivered form, or must not (it could not be kept safe). */
  | { readonly kind: 'release'; readonly message: MessageId; readonly release: Release }
  /** An interval has passed in which messages were open and nothing was sent to the client: a keep-alive is due, if it
   *  waits for something. */
  | { readonly kind: 'keep-alive' };

export type EngineAction =
  /** Send octets; `send` and `send-message` to the client leave in the order of the actions. */
  | { readonly kind: 'send'; readonly to: Side; readonly bytes: Uint8Array }
  /** Send octets `from` (inclusive) to `to` (exclusive) of the message's delivered form to the client. */
  | {
      readonly kind: 'send-message';
      readonly message: MessageId;
      readonly from: number;
      readonly to: number;
      /** RFC 1939 §3: a line that begins with "." gets one more. The session stuffs while it streams. */
      readonly dotStuff: boolean;
    }
  /** A message begins to arrive, or a part of one; a part names the whole message that it should lie in, if known. */
  | {
      readonly kind: 'message-start';
      readonly message: MessageId;
      readonly extent: Extent;
      readonly pieceOf?: MessageId | undefined;
      /** Of a probe: where its octets stand in the whole message. */
      readonly at?: number | undefined;
      /** Of a slice: the section, and where in it its octets begin. Slices of one section lie as they follow in it. */
      readonly section?: string | undefined;
      readonly origin?: number | undefined;
      /** Of a whole that parts are taken from: what the server calls it, for as long as its octets must not change. */
      readonly identity?: string | undefined;
    }
  /** Its next octets (POP3: dot-stuffing undone). */
  | { readonly kind: 'message-data'; readonly message: MessageId; readonly bytes: Uint8Array }
  /** All octets are there: decide, and answer with `release`. */
  | { readonly kind: 'message-end'; readonly message: MessageId }
  /** Its octets before `to` have left already, as they came: the delivered form begins with them, or it is refused. */
  | { readonly kind: 'message-begun'; readonly message: MessageId; readonly to: number }
  /** Its octets are needed no more (sent, or will never be complete): the spool goes. */
  | { readonly kind: 'message-drop'; readonly message: MessageId }
  /** Upgrade both legs: `reply` goes to the client in the clear; its ClientHello tells the name for the server's
   *  handshake, which comes first; then the client's. Octets of either side from before its handshake are dropped. */
  | { readonly kind: 'start-tls'; readonly reply: Uint8Array }
  /** From here on a side's leg is compressed (RFC 4978), in both directions. `rest`: octets of it that have come already. */
  | { readonly kind: 'compress'; readonly side: Side; readonly rest: Uint8Array }
  /** None of the ways to sign in that the server offers can pass through us. */
  | { readonly kind: 'no-sign-in' }
  /** Stop or go on reading from a side (back-pressure of the engine's own queues). */
  | { readonly kind: 'pause' | 'resume'; readonly side: Side }
  /** Pass a FIN on, after all octets before it. */
  | { readonly kind: 'end'; readonly to: Side }
  /** End both legs now: what follows can't be followed safely. */
  | { readonly kind: 'close'; readonly reason: ErrorCode };

export interface Engine {
  /** Takes one event and returns what is to be done, in order. After `close` it returns nothing more. */
  handle(event: EngineEvent): readonly EngineAction[];
}

export interface EngineOptions {
  /** The client's leg is inside TLS already (implicit TLS): STARTTLS is no longer offered. */
  readonly tls: boolean;
  /** Whether a client that waits hears something; default: it does. */
  readonly keepAlive?: boolean;
}
