// What goes to the client, and when it may leave: a message waits for its release.
import { assertNever } from '../../contract/assert-never.ts';
import { octets } from '../bytes.ts';
import type { EngineAction, MessageId } from '../engine.ts';
import type { Messages } from '../messages.ts';
import { OutputQueue } from '../output-queue.ts';

/** An answer whose content is a message, or its first `to` octets. */
interface MessageOutput {
  readonly kind: 'message';
  readonly message: MessageId;
  readonly status: Uint8Array;
  readonly to: number;
  readonly terminator: Uint8Array;
}

export type Output =
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | MessageOutput
  | { readonly kind: 'start-tls'; readonly reply: Uint8Array }
  | { readonly kind: 'end' };

/** RFC 3206: the client may try again later; nothing is lost. */
const refusal = octets('-ERR [SYS/TEMP] Message could not be scanned safely; try again later\r\n');

function sizeOf(output: Output): number {
  switch (output.kind) {
    case 'bytes':
      return output.bytes.length;
    case 'message':
      return output.status.length;
    default:
      return 0;
  }
}

/** The queue of all that goes to the client. */
export function createOutputQueue(
  emit: (action: EngineAction) => void,
  messages: Messages,
): OutputQueue<Output> {
  return new OutputQueue((output) => leaves(output, emit, messages), sizeOf);
}

function leaves(output: Output, emit: (action: EngineAction) => void, messages: Messages): boolean {
  switch (output.kind) {
    case 'bytes':
      emit({ kind: 'send', to: 'client', bytes: output.bytes });
      return true;
    case 'message':
      return messageLeaves(output, emit, messages);
    case 'start-tls':
      emit({ kind: 'start-tls', reply: output.reply });
      return true;
    case 'end':
      emit({ kind: 'end', to: 'client' });
      return true;
    default:
      return assertNever(output);
  }
}

function messageLeaves(
  { message, status, to, terminator }: MessageOutput,
  emit: (action: EngineAction) => void,
  messages: Messages,
): boolean {
  const state = messages.state(message);
  if (state === 'deliver') {
    emit({ kind: 'send', to: 'client', bytes: status });
    emit({ kind: 'send-message', message, from: 0, to, dotStuff: true });
    emit({ kind: 'send', to: 'client', bytes: terminator });
  } else if (state === 'refuse') emit({ kind: 'send', to: 'client', bytes: refusal });
  else return false;
  messages.letGo(message);
  return true;
}
