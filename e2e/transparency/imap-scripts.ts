// What is said to both servers, area by area as Dovecot's own imaptest has them. Every mailbox is fresh and holds the same
// ten clean messages.

/** One step of a script: a command on the first connection, or more than that. */
export type Step =
  | string
  /** On a second connection to the same mailbox. */
  | { readonly second: string }
  /** All at once, before any answer. */
  | { readonly pipeline: readonly string[] }
  /** Octets as they are, until the answer since then matches. */
  | { readonly raw: string; readonly until: RegExp }
  /** By design answered by us: the same condition, in our own words. */
  | { readonly refused: string }
  /** By design not the server's answer: it must be refused. */
  | { readonly hidden: string };

export interface Script {
  /** Without signing in first. */
  readonly signedOut?: boolean;
  /** Over one transport alone: dovecot answers later after each wrong password. */
  readonly onePerRun?: boolean;
  readonly steps: readonly Step[];
}

const sections = [
  '[]',
  '[HEADER]',
  '[TEXT]',
  '[1]',
  '[1.MIME]',
  '[2]',
  '[2.1]',
  '[1.1]',
  '[1.HEADER]',
  '[1.TEXT]',
  '[1.1.MIME]',
  '[9]',
  '[1.9]',
  '[HEADER.FIELDS (SUBJECT FROM)]',
  '[HEADER.FIELDS.NOT (SUBJECT FROM RECEIVED)]',
  '[1.HEADER.FIELDS (SUBJECT)]',
  '[HEADER.FIELDS (X-NONE)]',
];
const partials = ['<0.10>', '<5.1000000>', '<100000.10>', '<0.64>', '<0.65>', '<10.100>', '<0.1>'];
const message = (subject: string) =>
  `From: a@example.test\r\nSubject: ${subject}\r\n\r\nbody of ${subject}\r\n`;
const literal = (text: string) => `{${text.length}+}\r\n${text}`;
const select = 'SELECT INBOX';

export const imapScripts: Record<string, Script> = {
  'fetch: every section, peeked, of every message': {
    steps: [
      select,
      ...sections.flatMap((s) => [`FETCH 1:* BODY.PEEK${s}`, `UID FETCH 1:* (UID BODY.PEEK${s})`]),
    ],
  },
  'fetch: every section in part': {
    steps: [select, ...sections.flatMap((s) => partials.map((p) => `FETCH 1:10 (BODY.PEEK${s}${p})`))],
  },
  'fetch: several content items in one command': {
    steps: [
      select,
      'FETCH 1:* (BODY.PEEK[HEADER] BODY.PEEK[TEXT])',
      'FETCH 1:* (UID FLAGS BODY.PEEK[1] BODY.PEEK[1.MIME] BODY.PEEK[2] RFC822.SIZE)',
      'FETCH 2 (BODY.PEEK[] BODY.PEEK[]<0.5> BODY.PEEK[1]<3.70>)',
      'FETCH 2 (BODY.PEEK[]<0.100> BODY.PEEK[]<100.100> BODY.PEEK[]<200.100>)',
      'FETCH 2 (BODY.PEEK[]<0.100> BODY.PEEK[]<0.100>)',
      'FETCH 2 (BODY.PEEK[TEXT] BODY.PEEK[HEADER.FIELDS (SUBJECT)] BODY.PEEK[HEADER.FIELDS (FROM)])',
      'UID FETCH 1:* (RFC822.SIZE BODY.PEEK[HEADER.FIELDS (From To Cc Bcc Subject Date Message-ID)])',
    ],
  },
  'fetch: the old names, and the macros': {
    steps: [
      select,
      ...['RFC822', 'RFC822.HEADER', 'RFC822.TEXT', 'RFC822.SIZE', 'ALL', 'FAST', 'FULL'].map(
        (item) => `FETCH 1:* ${item}`,
      ),
      'FETCH 1:* (ENVELOPE INTERNALDATE)',
      'FETCH 1:* BODY',
      'FETCH 1:* BODYSTRUCTURE',
      'FETCH 1:* (UID MODSEQ)',
      'FETCH 1 (RFC822.HEADER RFC822.TEXT)',
    ],
  },
  'fetch: sets': {
    steps: [
      select,
      ...['1', '1:3', '1:*', '*', '*:1', '5:3', '1,3:5', '1,1,1', '3,2,1', '10', '9:20'].flatMap((set) => [
        `FETCH ${set} BODY.PEEK[1]`,
        `FETCH ${set} (UID BODY.PEEK[TEXT]<0.100>)`,
        `UID FETCH ${set} BODY.PEEK[]`,
        `UID FETCH ${set} FLAGS`,
      ]),
      'FETCH 11 BODY.PEEK[1]',
      'FETCH 11 FLAGS',
      'UID FETCH 4000 BODY.PEEK[1]',
      'UID FETCH 4000:4001 BODY.PEEK[]',
      'UID SEARCH RETURN (SAVE) FROM sender',
      'FETCH $ (UID BODY.PEEK[1])',
      'UID FETCH $ (UID BODY.PEEK[]<0.30>)',
    ],
  },
  'fetch: what sets \\Seen, and what does not': {
    steps: [
      select,
      'FETCH 1 BODY.PEEK[1]',
      'FETCH 1 FLAGS',
      'FETCH 1 BODY[1]',
      'FETCH 1 FLAGS',
      'FETCH 2 BODY[]',
      'FETCH 3 BODY[]<0.10>',
      'FETCH 4 RFC822.TEXT',
      'FETCH 5 RFC822.HEADER',
      'FETCH 6 (FLAGS BODY[TEXT]<0.200>)',
      'FETCH 7 (BODY[HEADER.FIELDS (SUBJECT)])',
      'UID FETCH 8 BODY[1.MIME]',
      'FETCH 1:* FLAGS',
      'EXAMINE INBOX',
      'FETCH 9 BODY[1]',
      'FETCH 10 BODY[]',
      'FETCH 1:* FLAGS',
    ],
  },
  'fetch: malformed': {
    steps: [
      select,
      { refused: 'FETCH' },
      { refused: 'FETCH 1' },
      { refused: 'FETCH 1 BODY[' },
      { refused: 'FETCH 1 BODY[1' },
      { refused: 'FETCH 1 (BODY[1]' },
      { refused: 'FETCH x BODY[1]' },
      { refused: 'FETCH 0 BODY[1]' },
      { refused: 'FETCH 1: BODY[1]' },
      { refused: 'UID FETCH' },
      { refused: 'FETCH 1 ()' },
      { refused: 'FETCH 1 BODY[X]' },
      { refused: 'FETCH 1 NOTHING' },
      { refused: 'FETCH 1 BODY[]<x>' },
      'NOOP',
    ],
  },
  'binary (RFC 3516)': {
    steps: [
      select,
      'FETCH 2 BINARY.SIZE[2]',
      'FETCH 2 BINARY.PEEK[2]',
      'FETCH 2 BINARY.PEEK[2]<0.10>',
      'FETCH 2 BINARY.PEEK[2]<100.5000>',
      'FETCH 1:* BINARY.PEEK[1]',
      'FETCH 2 BINARY[2]',
      'FETCH 2 FLAGS',
      'FETCH 1 BINARY.PEEK[9]',
    ],
  },
  'store, copy, move, expunge': {
    steps: [
      select,
      'STORE 1 +FLAGS (\\Flagged)',
      'STORE 1:3 FLAGS.SILENT (\\Answered $Keyword)',
      'UID STORE 2 -FLAGS (\\Answered)',
      'CREATE Other',
      'COPY 1:3 Other',
      'UID COPY 4 Other',
      'COPY 1 Nowhere',
      'MOVE 5 Other',
      'UID MOVE 6 Other',
      'FETCH 1:* (UID BODY.PEEK[1])',
      'STORE 1,3 +FLAGS.SILENT (\\Deleted)',
      'UID EXPUNGE 1',
      'EXPUNGE',
      'FETCH 1:* (UID FLAGS BODY.PEEK[TEXT]<0.100>)',
      'STATUS Other (MESSAGES UIDNEXT UNSEEN)',
      'SELECT Other',
      'FETCH 1:* (UID BODY.PEEK[])',
      'STORE 1 +FLAGS (\\Deleted)',
      'CLOSE',
      'SELECT Other',
      'FETCH 1:* (UID BODY.PEEK[1])',
      'UNSELECT',
      'FETCH 1 BODY[1]',
    ],
  },
  'two connections on one mailbox': {
    steps: [
      select,
      { second: select },
      'FETCH 1:4 (UID BODY.PEEK[1])',
      { second: 'STORE 2 +FLAGS (\\Deleted)' },
      { second: 'EXPUNGE' },
      'FETCH 2 BODY.PEEK[1]',
      'FETCH 3 (UID BODY.PEEK[1])',
      'UID FETCH 2 BODY.PEEK[1]',
      'UID FETCH 3 BODY.PEEK[1]<0.100>',
      'FETCH 1:* (UID BODY.PEEK[TEXT]<0.70>)',
      'NOOP',
      'FETCH 2 (UID BODY.PEEK[1])',
      'FETCH 2 (UID BODY.PEEK[]<0.100>)',
      { second: `APPEND INBOX ${literal(message('from the second'))}` },
      'NOOP',
      'FETCH * (UID BODY.PEEK[1])',
      { second: 'STORE 1:3 +FLAGS.SILENT (\\Deleted)' },
      { second: 'EXPUNGE' },
      'NOOP',
      { pipeline: ['UID FETCH 5 (UID BODY.PEEK[1])', 'UID FETCH 6 (UID BODY.PEEK[1]<0.20>)'] },
      'FETCH 1:* (UID FLAGS)',
    ],
  },
  append: {
    steps: [
      `APPEND INBOX (\\Seen) "01-Jan-2024 10:00:00 +0000" ${literal(message('one'))}`,
      `APPEND INBOX ${literal(message('two'))} ${literal(message('three'))}`,
      { raw: `x1 APPEND INBOX {${message('four').length}}\r\n`, until: /^\+.*\r\n|^x1 /m },
      { raw: `${message('four')}\r\n`, until: /^x1 .*\r\n/m },
      `APPEND Nowhere ${literal(message('five'))}`,
      'APPEND INBOX',
      { raw: 'x2 APPEND INBOX {0+}\r\n\r\n', until: /^x2 .*\r\n/m },
      { raw: 'x3 APPEND INBOX (\\Seen {5+}\r\nabcde)\r\n', until: /^x3 .*\r\n/m },
      select,
      'FETCH 11:* (UID FLAGS RFC822.SIZE BODY.PEEK[])',
      { hidden: 'APPEND INBOX CATENATE (TEXT {3+}\r\nabc)' },
    ],
  },
  'search, sort, thread': {
    steps: [
      select,
      'SEARCH ALL',
      'SEARCH SUBJECT plain',
      'SEARCH BODY "Hello world"',
      'SEARCH TEXT {5+}\r\nHello',
      'SEARCH OR FROM sender NOT SEEN',
      'UID SEARCH 1:5 UNSEEN',
      'SEARCH RETURN (MIN MAX COUNT ALL) ALL',
      'UID SEARCH RETURN (ALL) LARGER 1000',
      'SEARCH RETURN (SAVE) SUBJECT clean',
      'SEARCH $',
      'SEARCH CHARSET UTF-8 SUBJECT {4+}\r\n\xc3\xa4\xc3\xb6',
      'SEARCH CHARSET NONE ALL',
      'SORT (SUBJECT) US-ASCII ALL',
      'SORT (REVERSE SIZE DATE) UTF-8 ALL',
      'UID SORT (ARRIVAL) US-ASCII ALL',
      'SORT RETURN (COUNT) (FROM) US-ASCII ALL',
      'THREAD REFERENCES US-ASCII ALL',
      'UID THREAD ORDEREDSUBJECT UTF-8 ALL',
      'SEARCH',
      'SEARCH NOTHING',
      'SEARCH HEADER X-LIT {2+}\r\n42 SUBJECT x',
    ],
  },
  'list, status, subscribe, namespace': {
    steps: [
      'LIST "" ""',
      'LIST "" *',
      'CREATE "a box"',
      'CREATE a/b/c',
      'CREATE "with \\"quotes\\" and \\\\"',
      'CREATE {6+}\r\nliter8',
      'CREATE &AOQ-',
      'CREATE "\xc3\xa4"',
      'LIST "" *',
      'LIST "" %',
      'LIST a/ %',
      'LIST "" (a* "a box") RETURN (CHILDREN)',
      'LIST (SUBSCRIBED) "" * RETURN (STATUS (MESSAGES UIDNEXT))',
      'LIST "" * RETURN (SPECIAL-USE SUBSCRIBED)',
      'SUBSCRIBE "a box"',
      'LSUB "" *',
      'UNSUBSCRIBE "a box"',
      'LSUB "" *',
      'RENAME a/b renamed',
      'DELETE "a box"',
      'DELETE nowhere',
      'STATUS INBOX (MESSAGES RECENT UIDNEXT UIDVALIDITY UNSEEN)',
      'STATUS INBOX (HIGHESTMODSEQ SIZE)',
      'STATUS {5+}\r\nINBOX (MESSAGES)',
      'STATUS nowhere (MESSAGES)',
      'NAMESPACE',
      'ID NIL',
      'ID ("name" "test")',
      'ID {3+}\r\nabc',
      'SELECT nowhere',
      'EXAMINE {5+}\r\ninbox',
      'SELECT "with \\"quotes\\" and \\\\"',
    ],
  },
  'condstore and qresync': {
    steps: [
      'ENABLE CONDSTORE',
      'ENABLE QRESYNC CONDSTORE',
      select,
      'FETCH 1:* (UID MODSEQ)',
      'STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)',
      'STORE 2 +FLAGS (\\Flagged)',
      'FETCH 1:* (FLAGS) (CHANGEDSINCE 1)',
      'FETCH 1:* (UID BODY.PEEK[1]) (CHANGEDSINCE 1)',
      'UID FETCH 1:* (FLAGS) (CHANGEDSINCE 1 VANISHED)',
      'STORE 3:4 +FLAGS (\\Deleted)',
      'EXPUNGE',
      'UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 1 VANISHED)',
      'UID FETCH 1:* (UID BODY.PEEK[TEXT]<0.80>) (CHANGEDSINCE 1 VANISHED)',
      'FETCH 3 (UID BODY.PEEK[1])',
      'CLOSE',
      'SELECT INBOX (CONDSTORE)',
      'SEARCH MODSEQ 2',
      'UNSELECT',
      'SELECT INBOX (QRESYNC (%UIDVALIDITY% 1))',
      'SELECT INBOX (QRESYNC (1 1))',
      'FETCH 1:* (UID BODY.PEEK[1])',
    ],
  },
  'idle with events': {
    steps: [
      select,
      { raw: 'i1 IDLE\r\n', until: /^\+.*\r\n/m },
      { second: `APPEND INBOX ${literal(message('while idle'))}` },
      { raw: '', until: /EXISTS\r\n/ },
      { raw: 'DONE\r\n', until: /^i1 .*\r\n/m },
      'FETCH 11 (UID BODY.PEEK[1])',
      { raw: 'i2 IDLE\r\nDONE\r\n', until: /^i2 .*\r\n/m },
      { raw: 'i3 IDLE\r\nDONE\r\ni4 NOOP\r\n', until: /^i4 .*\r\n/m },
      'NOOP',
    ],
  },
  'malformed commands': {
    steps: [
      select,
      { refused: 'XUNKNOWN' },
      { refused: 'NOSUCH arguments' },
      'SELECT',
      'STORE 1',
      'STORE x FLAGS ()',
      'COPY 1',
      'STATUS INBOX',
      'SEARCH FROM',
      'NOOP with arguments',
      'LOGIN again again',
      'CREATE "unfinished',
      'NOOP',
      { hidden: 'NOTIFY NONE' },
      { hidden: 'URLFETCH "imap://x"' },
      { hidden: 'GENURLAUTH "imap://x" INTERNAL' },
      'NOOP',
    ],
  },
  'pipelining: fifty mixed commands': {
    steps: [
      select,
      {
        pipeline: Array.from({ length: 50 }, (_, i) => {
          const n = 1 + (i % 10);
          const commands = [
            `FETCH ${n} BODY.PEEK[]`,
            'NOOP',
            `FETCH ${n} (UID BODY.PEEK[1])`,
            `UID SEARCH UID ${n}`,
            `STORE ${n} +FLAGS (\\Flagged)`,
            `UID FETCH ${n} (BODY.PEEK[TEXT]<0.90>)`,
            'STATUS INBOX (MESSAGES)',
          ];
          return commands[i % commands.length] ?? 'NOOP';
        }),
      },
      'NOOP',
    ],
  },
  'signing in by an initial response': {
    signedOut: true,
    steps: ['AUTHENTICATE PLAIN %PLAIN%', select, 'FETCH 1:2 (UID BODY.PEEK[1])', 'LOGOUT'],
  },
  'signing in step by step, with synchronising literals': {
    signedOut: true,
    steps: [
      { raw: 's1 LOGIN {4}\r\n', until: /^\+.*\r\n/m },
      { raw: '%USER% {6}\r\n', until: /^\+.*\r\n/m },
      { raw: 'secret\r\n', until: /^s1 .*\r\n/m },
      select,
      'LOGOUT',
    ],
  },
  'signing in, after failing': {
    signedOut: true,
    onePerRun: true,
    steps: [
      { refused: 'XUNKNOWN' },
      { refused: 'AUTHENTICATE NOSUCH' },
      { raw: 'p1 AUTHENTICATE PLAIN\r\n', until: /^\+.*\r\n|^p1 /m },
      { raw: '*\r\n', until: /^p1 .*\r\n/m },
      { raw: 'p2 AUTHENTICATE PLAIN\r\n', until: /^\+.*\r\n|^p2 /m },
      { raw: '!!!\r\n', until: /^p2 .*\r\n/m },
      'LOGIN %USER% wrong',
      { raw: 'p4 LOGIN {4+}\r\n%USER% {6+}\r\nsecret\r\n', until: /^p4 .*\r\n/m },
      select,
      'FETCH 1 BODY.PEEK[1]',
      'LOGOUT',
    ],
  },
};
