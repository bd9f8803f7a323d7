// What people look at in a message: its sender and its subject, by mailparser. No verdict rests on it.
import { summaryBytes, summaryCharacters } from './limits.ts';

export interface MessageSummary {
  sender?: string;
  subject?: string;
}

/** Octets of one field, unfolded lines together: mailparser's time grows with them. */
const fieldBytes = 8 * 1024;

/** The first From and the first Subject field, as octets: mailparser is given nothing else to work on. */
function fieldsOf(message: Uint8Array): string {
  const head = Buffer.from(message.buffer, message.byteOffset, Math.min(message.length, summaryBytes));
  const text = head.toString('latin1').replace(/^[\r\n]+/, '');
  const header = /^[\s\S]*?(?=\r\n\r\n|\n\n|\r\r|$(?![\s\S]))/.exec(text)?.[0] ?? '';
  const fields = [/^from[ \t]*:.*(?:\r?\n[ \t].*)*/im, /^subject[ \t]*:.*(?:\r?\n[ \t].*)*/im];
  return fields
    .map((field) => field.exec(header)?.[0].slice(0, fieldBytes) ?? '')
    .filter((field) => field !== '')
    .join('\r\n');
}

function cut(text: string | undefined): string | undefined {
  const tidy = text
    ?.replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, summaryCharacters);
  return tidy === '' ? undefined : tidy;
}

/**
 * Sender and subject of a message, decoded and cut to 500 characters.
 * @param message the message, or as much of its beginning as there is
 * @returns nothing where it has none, or mailparser can't read it; never throws
 */
export async function summarise(message: Uint8Array): Promise<MessageSummary> {
  // Takes 100 ms to load, and is needed only once something was found.
  const { simpleParser } = await import('mailparser');
  try {
    const header = Buffer.from(`${fieldsOf(message)}\r\n\r\n`, 'latin1');
    const { from, subject } = await simpleParser(header, { skipTextToHtml: true, skipHtmlToText: true });
    const sender = cut(from?.text);
    const title = cut(subject);
    return {
      ...(sender === undefined ? {} : { sender }),
      ...(title === undefined ? {} : { subject: title }),
    };
  } catch {
    return {};
  }
}
