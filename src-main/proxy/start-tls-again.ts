// Leads a fresh connection to where an earlier one stood after STARTTLS or STLS, so that a client which waits there can
// go on with it untouched. What a server says before TLS is forgotten by both sides anyway (RFC 9051 §6.2.1, RFC 2595 §4).
import type { Socket } from 'node:net';
import { greetingBytes } from '../protocols/limits.ts';
import { nextChunk } from './next-chunk.ts';

const dialogues = {
  imap: { command: 'p STARTTLS\r\n', answer: /^p [^\n]*\n/im, consent: /^p OK\b/i },
  pop3: { command: 'STLS\r\n', answer: /^[^\n]*\n/, consent: /^\+OK\b/i },
} as const;

/** Whether the server waits for a ClientHello now; nothing that it has said is left in the socket. */
export async function startTlsAgain(
  server: Socket,
  kind: 'imap' | 'pop3',
  timeoutMs: number,
): Promise<boolean> {
  const { command, answer, consent } = dialogues[kind];
  // Destroying it ends the wait for its next octets.
  const timer = setTimeout(() => server.destroy(), timeoutMs);
  let heard = '';
  /** Undefined: the server is gone, or says more than any does. */
  const listen = async (until: RegExp): Promise<RegExpExecArray | undefined> => {
    for (heard = ''; heard.length <= greetingBytes; ) {
      const { bytes } = await nextChunk({ server });
      if (!bytes) return undefined;
      heard += bytes.toString('latin1');
      const found = until.exec(heard);
      if (found) return found;
    }
    return undefined;
  };
  const greeting = await listen(/\n/);
  if (greeting) server.write(command);
  const said = greeting && (await listen(answer));
  clearTimeout(timer);
  if (!said) return false;
  // What stands behind the consent would be taken for a part of the handshake.
  return consent.test(said[0]) && said.index + said[0].length === heard.length;
}
