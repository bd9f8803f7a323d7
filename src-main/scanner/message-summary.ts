// What people look at in a message: sender, subject, date, and what is attached, by mailparser, of which no verdict
// depends. Runs in a thread of its own (summaries.ts): it may take long, or all memory.
import { nameBytes, summaryCharacters } from './limits.ts';
import { skeletonOf } from './message-skeleton.ts';

export interface MessageSummary {
  readonly sender?: string;
  readonly subject?: string;
  /** ISO 8601, as the message says it. */
  readonly date?: string;
  /** Names of attached files, at most 20. */
  readonly attachments: readonly string[];
}

/** Names that are kept for people. */
const maxAttachments = 20;

/** `text` without what moves or hides other text (control, format and bidirectional characters), cut to a length. */
function tidy(text: string | undefined, characters: number): string | undefined {
  const cleaned = text
    ?.replace(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, characters)
    .replace(/[\ud800-\udbff]$/, '');
  return cleaned === '' ? undefined : cleaned;
}

function dateOf(date: Date | undefined): string | undefined {
  return date === undefined || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

function withoutMissing(values: Readonly<Record<'sender' | 'subject' | 'date', string | undefined>>) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/**
 * The summary of a message, or of as much of its beginning as there is.
 * @returns what there is; rejects for nothing that a message holds
 */
export async function summaryOf(message: Buffer): Promise<MessageSummary> {
  const { simpleParser } = await import('mailparser');
  try {
    const options = { skipTextToHtml: true, skipHtmlToText: true, skipImageLinks: true, skipTextLinks: true };
    const { from, subject, date, attachments } = await simpleParser(skeletonOf(message), options);
    const names = attachments.map(({ filename }) =>
      tidy(typeof filename === 'string' ? filename : undefined, nameBytes),
    );
    return {
      ...withoutMissing({
        sender: tidy(from?.text, summaryCharacters),
        subject: tidy(subject, summaryCharacters),
        date: dateOf(date),
      }),
      attachments: names.filter((name) => name !== undefined).slice(0, maxAttachments),
    };
  } catch {
    // Nobody can read it; its octets are in quarantine.
    return { attachments: [] };
  }
}
