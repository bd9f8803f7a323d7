// What goes to the client, and when it may leave. A response with held content waits as a whole, so that what leaves
// ends at the boundary of a response at any time.
import { assertNever } from '../../contract/assert-never.ts';
import { octets } from '../bytes.ts';
import type { EngineAction, MessageId } from '../engine.ts';
import type { Messages } from '../messages.ts';
import { type OutputLoad, OutputQueue } from '../output-queue.ts';
import type { Failing } from './ledger.ts';

/** Octets as the server sent them, or octets `from` to `to` of a message in its delivered form. */
export type Segment =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array; readonly item: number }
  | {
      readonly kind: 'message';
      readonly message: MessageId;
      readonly from: number;
      readonly to: number;
      readonly item: number;
    };

interface ResponseOutput {
  readonly kind: 'response';
  readonly segments: readonly Segment[];
  /** Those in the segments; each is let go. */
  readonly messages: readonly MessageId[];
  /** Where one is refused the content is left out, and whoever asked for it asks anew; each is let go. */
  readonly probes: readonly MessageId[];
  /** What leaves then in place of all. */
  readonly withheld: Uint8Array | undefined;
  /** What learns that one was refused. */
  readonly failing: Failing | undefined;
}

type Output =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | ResponseOutput
  /** A tagged OK, which turns into a NO when a message of the command's answer was refused. */
  | {
      readonly kind: 'tagged-ok';
      readonly bytes: Uint8Array;
      readonly tag: string;
      readonly failing: Failing;
    }
  | { readonly kind: 'start-tls'; readonly reply: Uint8Array }
  /** The client's leg is compressed behind the reply. */
  | { readonly kind: 'compress'; readonly reply: Uint8Array }
  | { readonly kind: 'end' };

/** The tagged answer of a command that a message was left out of. */
export function unavailable(tag: string): Uint8Array {
  return octets(`${tag} NO [UNAVAILABLE] Message could not be scanned safely; try again later\r\n`);
}

function loadOf(output: Output): OutputLoad {
  switch (output.kind) {
    case 'response': {
      const bytes = output.segments.reduce((sum, s) => sum + (s.kind === 'bytes' ? s.bytes.length : 0), 0);
      return { bytes, messages: output.messages.length };
    }
    case 'bytes':
    case 'tagged-ok':
      return { bytes: output.bytes.length, messages: 0 };
    default:
      return { bytes: 0, messages: 0 };
  }
}

/** The queue of all that goes to the client. */
export function createOutputQueue(
  emit: (action: EngineAction) => void,
  messages: Messages,
): OutputQueue<Output> {
  return new OutputQueue((output) => leaves(output, emit, messages), loadOf);
}

function leaves(output: Output, emit: (action: EngineAction) => void, messages: Messages): boolean {
  switch (output.kind) {
    case 'bytes':
      emit({ kind: 'send', to: 'client', bytes: output.bytes });
      return true;
    case 'response':
      return responseLeaves(output, emit, messages);
    case 'tagged-ok': {
      const bytes = output.failing.failed ? unavailable(output.tag) : output.bytes;
      emit({ kind: 'send', to: 'client', bytes });
      return true;
    }
    case 'start-tls':
      emit({ kind: 'start-tls', reply: output.reply });
      return true;
    case 'compress':
      emit({ kind: 'send', to: 'client', bytes: output.reply });
      emit({ kind: 'compress', side: 'client', rest: new Uint8Array(0) });
      return true;
    case 'end':
      emit({ kind: 'end', to: 'client' });
      return true;
    default:
      return assertNever(output);
  }
}

function responseLeaves(
  { segments, messages: held, probes, withheld, failing }: ResponseOutput,
  emit: (action: EngineAction) => void,
  messages: Messages,
): boolean {
  const all = [...probes, ...held];
  const isRefused = (message: MessageId) => messages.state(message) === 'refuse';
  if (held.some(isRefused)) {
    if (failing) failing.failed = true;
  } else if (all.every((message) => messages.state(message) === 'deliver')) {
    for (const segment of segments) emit(segmentAction(segment));
  } else if (!probes.some(isRefused)) return false;
  else if (withheld && withheld.length > 0) emit({ kind: 'send', to: 'client', bytes: withheld });
  for (const message of all) messages.letGo(message);
  return true;
}

function segmentAction(segment: Segment): EngineAction {
  if (segment.kind === 'bytes') return { kind: 'send', to: 'client', bytes: segment.bytes };
  const { message, from, to } = segment;
  return { kind: 'send-message', message, from, to, dotStuff: false };
}
