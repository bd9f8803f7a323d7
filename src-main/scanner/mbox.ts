// Mailboxes in one file (RFC 4155, and its older kinds): the messages in it, one after the other, however large it is.

/** A line that begins so, at the beginning or behind an empty line, begins a message. */
const separator = Buffer.from('From ', 'latin1');
const lf = 0x0a;
const cr = 0x0d;

/** Octets that a separator line with its sender and date may have. */
const separatorLineBytes = 1_000;

/** A separator line, and a header field behind it. */
const mailboxShape = /^From [^\r\n]{1,990}\r?\n(?:>?From [^\r\n]*\r?\n)?[!-9;-~]{1,76}[ \t]*:/;

/** Octets that tell whether a file is one. */
export const mailboxProbeBytes = 2 * separatorLineBytes + 100;

/** Whether a file that begins with `head` is a mailbox. */
export function isMailbox(head: Buffer): boolean {
  return mailboxShape.test(head.toString('latin1', 0, mailboxProbeBytes));
}

export type MailboxItem =
  | { readonly kind: 'message'; readonly bytes: Buffer }
  /** It has more octets than were asked for. */
  | { readonly kind: 'too-large'; readonly sizeBytes: number };

/** Where the line behind `at` begins, or -1 when its end is not there. */
function nextLine(bytes: Buffer, at: number): number {
  const end = bytes.indexOf(lf, at);
  return end === -1 ? -1 : end + 1;
}

/** Offset of the next separator from `from` on, which is not 0, or -1. */
function findSeparator(bytes: Buffer, from: number): number {
  for (let at = bytes.indexOf(separator, from); at !== -1; at = bytes.indexOf(separator, at + 1)) {
    if (bytes[at - 1] !== lf) continue;
    const before = bytes[at - 2] === cr ? at - 3 : at - 2;
    if (before < 0 || bytes[before] === lf) return at;
  }
  return -1;
}

/**
 * The messages of a mailbox, without their separator lines.
 * @param maxBytes of a message; of a larger one only its size is told
 */
export async function* messagesOf(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<MailboxItem> {
  let held: Buffer[] = [];
  let heldBytes = 0;
  /** Octets of the message so far, also those that were let go. */
  let sizeBytes = 0;
  let isTooLarge = false;

  const finish = (): MailboxItem | undefined => {
    const whole = Buffer.concat(held);
    const size = sizeBytes;
    const wasTooLarge = isTooLarge;
    held = [];
    heldBytes = 0;
    sizeBytes = 0;
    isTooLarge = false;
    if (wasTooLarge) return { kind: 'too-large', sizeBytes: size };
    const start = whole.subarray(0, separator.length).equals(separator) ? nextLine(whole, 0) : 0;
    const bytes = start === -1 ? Buffer.alloc(0) : whole.subarray(start);
    return bytes.length === 0 ? undefined : { kind: 'message', bytes };
  };
  const keep = (bytes: Buffer) => {
    sizeBytes += bytes.length;
    if (isTooLarge || bytes.length === 0) return;
    held.push(bytes);
    heldBytes += bytes.length;
    if (heldBytes <= maxBytes + separatorLineBytes) return;
    isTooLarge = true;
    held = [];
  };

  /** What was looked at last, from `undecided` on not finally: a separator may begin there. */
  let sight: Buffer = Buffer.alloc(0);
  let undecided = 0;
  // The very first octets begin a message, not the second one.
  let searched = 1;
  for await (const chunk of chunks) {
    sight = Buffer.concat([sight, chunk]);
    for (let at = findSeparator(sight, searched); at !== -1; at = findSeparator(sight, at + 1)) {
      keep(sight.subarray(undecided, at));
      const item = finish();
      if (item) yield item;
      undecided = at;
    }
    const decided = Math.max(undecided, sight.length - separator.length);
    keep(sight.subarray(undecided, decided));
    // Three octets more tell whether a line is behind an empty one.
    const cut = Math.max(0, decided - 3);
    searched = Math.max(1, decided) - cut;
    sight = sight.subarray(cut);
    undecided = decided - cut;
  }
  keep(sight.subarray(undecided));
  const last = finish();
  if (last) yield last;
}
