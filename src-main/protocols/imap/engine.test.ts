import { describe, expect, it } from 'vitest';
import { inputModes, literal, Script } from './script.test-support.ts';

const greeting =
  '* OK [CAPABILITY IMAP4rev1 SASL-IR LITERAL+ ID ENABLE IDLE AUTH=PLAIN] Dovecot (Debian) ready.\r\n';
const mail = 'From: a@example.test\r\nSubject: x\r\n\r\nHello\r\n';

function both(name: string, body: (s: Script, octetMode: boolean) => void, tls = true): void {
  it.each(inputModes)(`${name} (%s)`, (_, octetMode) => body(new Script(octetMode, tls), octetMode));
}

function opened(s: Script): Script {
  s.server(greeting).clientGot();
  return s;
}

describe('what carries no content', () => {
  both('passes byte for byte', (s) => {
    expect(s.server(greeting).clientGot()).toBe(greeting);
    s.client('a1 LOGIN alice secret\r\na2 select "IN BOX" (CONDSTORE)\r\n');
    expect(s.serverGot()).toBe('a1 LOGIN alice secret\r\na2 select "IN BOX" (CONDSTORE)\r\n');
    const answer =
      'a1 OK Logged in\r\n* FLAGS (\\Answered \\Seen $x)\r\n* OK [PERMANENTFLAGS (\\*)] Flags {5}\r\n' +
      '* 21 EXISTS\r\n* 0 RECENT\r\n* LIST (\\HasNoChildren) "/" {5}\r\nINBOX\r\n* STATUS x (MESSAGES 1)\r\n' +
      '* 2 EXPUNGE\r\na2 OK [READ-WRITE] Select completed (0.001 secs).\r\n* BYE gone\r\n';
    expect(s.server(answer).clientGot()).toBe(answer);
    expect(s.notes).toEqual([]);
  });

  both('passes metadata of FETCH with its literals as it is', (s) => {
    opened(s).client('a FETCH 1:2 ALL\r\nb UID FETCH 1:* (FLAGS)\r\nc FETCH 1 (ENVELOPE BODYSTRUCTURE)\r\n');
    expect(s.serverGot()).toContain('b UID FETCH 1:* (FLAGS)\r\nc FETCH');
    const answer =
      '* 1 FETCH (UID 7 FLAGS (\\Seen) INTERNALDATE "01-Jan-2026 00:00:00 +0000" RFC822.SIZE 44 MODSEQ (12) ' +
      `ENVELOPE ("d" ${literal('say "hi" {3}\r\n')} (("n\\"x" NIL "a" "b")) NIL NIL NIL NIL NIL NIL "<i>") ` +
      'BODYSTRUCTURE ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 3 1) BODY (NIL) X-GM-LABELS ("\\\\Inbox"))\r\n';
    expect(s.server(answer).clientGot()).toBe(answer);
    expect(s.messages.size).toBe(0);
  });

  both('lets a header pass that ends at its first empty line', (s) => {
    opened(s).client('a UID FETCH 1 (UID BODY.PEEK[HEADER.FIELDS (From To)])\r\n');
    const header = 'From: a\r\nTo: b,\r\n c\r\n\r\n';
    const answer = `* 1 FETCH (UID 1 BODY[HEADER.FIELDS (FROM TO)] ${literal(header)})\r\n* 2 FETCH (RFC822.HEADER {0}\r\n BODY[HEADER] NIL)\r\n`;
    expect(s.server(answer).clientGot()).toBe(answer);
  });

  both('leaves out what belongs to nothing that is offered, with its literals', (s) => {
    s.server(greeting).clientGot();
    s.server(`* XCONTENT "x" ${literal('y')} z\r\n* 1 FETCHX ~{5}\r\n12345\r\n* 2 EXISTS\r\n`);
    expect(s.clientGot()).toBe('* 2 EXISTS\r\n');
    expect(s.messages.size).toBe(0);
  });

  both('passes several lines before the greeting, and PREAUTH', (s) => {
    const lines =
      '* OK Waiting for authentication process to respond..\r\n* OK still\r\n* PREAUTH [CAPABILITY IMAP4rev1] hi\r\n';
    expect(s.server(lines).clientGot()).toBe(lines);
  });
});

describe('a message that was asked for whole', () => {
  both('is held until its release, and all behind it too', (s) => {
    opened(s).client('a UID FETCH 7 (BODY.PEEK[])\r\nb NOOP\r\n');
    expect(s.serverGot()).toBe('a UID FETCH 7 (BODY.PEEK[])\r\nb NOOP\r\n');
    const answer = `* 1 FETCH (UID 7 FLAGS (\\Seen) BODY[] ${literal(mail)})\r\na OK Fetch completed.\r\n* 3 EXISTS\r\nb OK\r\n`;
    expect(s.server(answer).clientGot()).toBe('');
    expect(s.held()).toEqual({ 1: mail });
    expect(s.release(1).clientGot()).toBe(answer);
    expect(s.dropped()).toEqual([1]);
  });

  both('leaves one by one, in the order of the server', (s) => {
    opened(s).client('a FETCH 1:3 RFC822\r\n');
    const one = (n: number) => `* ${n} FETCH (RFC822 ${literal(`${n}${mail}`)})\r\n`;
    s.server(`${one(1)}${one(2)}${one(3)}a OK done\r\n`);
    expect(s.release(2).clientGot()).toBe('');
    expect(s.release(1).clientGot()).toBe(one(1) + one(2));
    expect(s.release(3).clientGot()).toBe(`${one(3)}a OK done\r\n`);
  });

  both('is held whatever it belongs to, in every form', (s) => {
    opened(s);
    const answer =
      `* 1 FETCH (BODY[] ${literal(mail)})\r\n* 2 FETCH (BODY[1.2] ${literal('piece', '~{')} BINARY[1] ${literal('bin', '~{')})\r\n` +
      `* 3 FETCH (BODY[TEXT]<0> ${literal('part', '{', '+}')} UID 9)\r\n* SORT ${literal('stray')}\r\n`;
    expect(s.server(answer).clientGot()).toBe('');
    expect(Object.values(s.held())).toEqual([mail, 'piece', 'bin', 'part', 'stray']);
    for (const id of [1, 2, 3, 4, 5]) s.release(id);
    expect(s.clientGot()).toBe(answer);
  });

  both('becomes a literal where it came as a quoted string', (s) => {
    opened(s).client('a FETCH 1 (PREVIEW)\r\nb FETCH 1 BODY[]\r\n');
    s.clientGot();
    s.server('* 1 FETCH (UID 4 BODY[] "say \\"hi\\" \\\\ there" PREVIEW "" FLAGS ())\r\nb OK\r\n');
    expect(s.held()).toEqual({ 1: 'say "hi" \\ there' });
    expect(s.release(1).clientGot()).toBe(
      '* 1 FETCH (UID 4 BODY[] {16}\r\nsay "hi" \\ there PREVIEW "" FLAGS ())\r\nb OK\r\n',
    );
  });

  both('lets NIL and an empty literal pass at once', (s) => {
    opened(s).client('a FETCH 1 BODY[]\r\n');
    const answer = '* 1 FETCH (BODY[9] NIL BODY[2] {0}\r\n BODY[3] nil)\r\n';
    expect(s.server(answer).clientGot()).toBe(answer);
  });
});

describe('a refusal', () => {
  both('turns the OK of the right command into NO, though dovecot answers out of order', (s) => {
    opened(s).client(
      'd UID FETCH 4 (BODY.PEEK[])\r\ne UID FETCH 5 (BODY.PEEK[])\r\nf UID FETCH 6 (BODY.PEEK[])\r\n',
    );
    const one = (n: number) => `* ${n} FETCH (UID ${n} BODY[] ${literal(mail)})\r\n`;
    s.server(`${one(4)}${one(5)}${one(6)}d OK done\r\ne OK done\r\nf OK done\r\n`);
    s.release(1).release(2, 'refuse').release(3);
    expect(s.clientGot()).toBe(
      `${one(4)}${one(6)}d OK done\r\ne NO [UNAVAILABLE] Message could not be scanned safely; try again later\r\nf OK done\r\n`,
    );
    expect(s.dropped()).toEqual([1, 2, 3]);
  });

  both('tells two commands for the same message apart', (s) => {
    opened(s).client('a FETCH 1 BODY[]\r\nb FETCH 1 BODY[]\r\n');
    const one = `* 1 FETCH (BODY[] ${literal(mail)})\r\n`;
    s.server(`${one}${one}a OK\r\nb OK\r\n`).release(1).release(2, 'refuse');
    expect(s.clientGot()).toMatch(/\)\r\na OK\r\nb NO \[UNAVAILABLE\]/);
  });

  both('leaves a NO of the server as it is, and an unsolicited message out', (s) => {
    opened(s).client('a FETCH 1 BODY[]\r\n');
    s.server(
      `* 1 FETCH (BODY[] ${literal(mail)})\r\n* 9 FETCH (BODY[1] ${literal('x')})\r\na NO [SERVERBUG] oh\r\n`,
    );
    s.release(2, 'refuse').release(1, 'refuse');
    expect(s.clientGot()).toBe('a NO [SERVERBUG] oh\r\n');
  });

  both('may come while the message still arrives', (s) => {
    opened(s).client('a FETCH 1 BODY[]\r\n');
    s.server('* 1 FETCH (BODY[] {10}\r\n12345').release(1, 'refuse').server('67890)\r\na OK\r\n');
    expect(s.messages.get(1)?.text).toBe('12345');
    expect(s.clientGot()).toMatch(/^a NO /);
  });
});

describe('keep-alive', () => {
  both('comes between responses while something is held, and never else', (s) => {
    opened(s).event({ kind: 'keep-alive' });
    expect(s.clientGot()).toBe('');
    s.client('a FETCH 1 BODY[]\r\n')
      .server('* 1 FETCH (FLAGS () BODY[] {5}\r\nab')
      .event({ kind: 'keep-alive' });
    expect(s.clientGot()).toBe('* OK Still scanning\r\n');
    s.server('cde)\r\n').event({ kind: 'keep-alive' });
    expect(s.clientGot()).toBe('* OK Still scanning\r\n');
    expect(s.release(1).clientGot()).toBe('* 1 FETCH (FLAGS () BODY[] {5}\r\nabcde)\r\n');
    s.event({ kind: 'keep-alive' });
    expect(s.clientGot()).toBe('');
  });
});

describe('the client side', () => {
  both('streams literals through and never reads them as commands', (s) => {
    opened(s).client('a APPEND INBOX (\\Seen) {14+}\r\nb COMPRESS X\r\n\r\nc LOGIN {5}\r\n');
    expect(s.serverGot()).toBe('a APPEND INBOX (\\Seen) {14+}\r\nb COMPRESS X\r\n\r\nc LOGIN {5}\r\n');
    expect(s.client('alice').serverGot()).toBe('');
    s.server('+ OK\r\n').client(' {3}\r\n');
    expect(s.serverGot()).toBe('alice {3}\r\n');
    s.server('+ more\r\n').client('pw1\r\nd NOOP\r\n');
    expect(s.serverGot()).toBe('pw1\r\nd NOOP\r\n');
    expect(s.clientGot()).toBe('+ OK\r\n+ more\r\n');
  });

  both('reads a command again where the server declined the literal', (s) => {
    opened(s)
      .client('a APPEND nowhere {300}\r\n')
      .server('a NO [TRYCREATE] no\r\n')
      .client('b XFOO DEFLATE\r\n');
    expect(s.serverGot()).toBe('a APPEND nowhere {300}\r\n');
    expect(s.clientGot()).toBe('a NO [TRYCREATE] no\r\nb BAD Command not supported\r\n');
  });

  both('expects no further literal of a command that the server has declined', (s) => {
    opened(s).client('a APPEND x {3+}\r\nab').server('a NO full\r\n').client('c {5}\r\nb NOOP\r\n');
    expect(s.serverGot()).toBe('a APPEND x {3+}\r\nabc {5}\r\nb NOOP\r\n');
  });

  both('refuses what could not be followed', (s) => {
    opened(s).client(
      'a COMPRESS LZ4\r\nb FETCH 1 (FLAGS\r\nc X-FOO {5+}\r\nd NOO\r\ne UID FETCH x FLAGS\r\n' +
        'f APPEND x CATENATE (URL "imap://x")\r\ng NOTIFY NONE\r\nh URLFETCH {9}\r\ni UIDFETCH 1 (FLAGS)\r\n\r\n( x\r\nj FETCH 1 (FLAGS\r\n' +
        'k AUTHENTICATE GSSAPI\r\nl STARTTLS\r\nm UID\r\n',
    );
    expect(s.serverGot()).toBe('');
    expect(s.clientGot().match(/^\S+ (BAD|NO)/gm)).toEqual(
      ['a NO']
        .concat('bcefghi'.split('').map((t) => `${t} BAD`))
        .concat(['* BAD', '* BAD', 'j BAD', 'k NO', 'l BAD', 'm BAD']),
    );
  });

  both('strips ENABLE of what changes the grammar', (s) => {
    opened(s).client('a ENABLE UTF8=ACCEPT\r\nb ENABLE CONDSTORE IMAP4rev2\r\nc enable qresync\r\n');
    expect(s.clientGot()).toBe('* ENABLED\r\na OK Nothing to enable\r\n');
    expect(s.serverGot()).toBe('b ENABLE CONDSTORE\r\nc enable qresync\r\n');
  });

  both('relays AUTHENTICATE line by line, with a command pipelined behind it', (s) => {
    opened(s).client('a AUTHENTICATE CRAM-MD5\r\n').server('+ PDE4OT4=\r\n').client('*\r\n');
    expect(s.serverGot()).toBe('a AUTHENTICATE CRAM-MD5\r\n*\r\n');
    s.server('a BAD cancelled\r\n').client('b AUTHENTICATE PLAIN AGEAYg==\r\nc LIST "" *\r\n');
    expect(s.serverGot()).toBe('b AUTHENTICATE PLAIN AGEAYg==\r\n');
    s.server('b OK [CAPABILITY IMAP4rev1 NOTIFY IDLE] in\r\n');
    expect(s.serverGot()).toBe('c LIST "" *\r\n');
    expect(s.clientGot()).toBe('+ PDE4OT4=\r\na BAD cancelled\r\nb OK [CAPABILITY IMAP4rev1 IDLE] in\r\n');
  });

  both('follows IDLE, whose continuation is not the next literal’s', (s) => {
    opened(s).client('a IDLE\r\nDONE\r\nb APPEND x {3}\r\n').server('+ idling\r\n* 4 EXISTS\r\na OK\r\n');
    s.client('x NOOP\r\n');
    expect(s.serverGot()).toBe('a IDLE\r\nDONE\r\nb APPEND x {3}\r\n');
    s.server('+ go\r\n');
    expect(s.serverGot()).toBe('x NOOP\r\n');
    expect(s.client('DONE\r\n').clientGot()).toBe(
      '+ idling\r\n* 4 EXISTS\r\na OK\r\n+ go\r\n* BAD Not a command\r\n',
    );
  });

  both('completes commands of the same tag one by one', (s) => {
    opened(s).client('a NOOP\r\na NOOP\r\n').server('a OK 1\r\na OK 2\r\n');
    expect(s.clientGot()).toBe('a OK 1\r\na OK 2\r\n');
    // Octets of a literal that the server has taken for a command, say.
    expect(s.server('x BAD what\r\n').clientGot()).toBe('x BAD what\r\n');
    s.server('a OK 3\r\n');
    expect(s.notes).toEqual(['close protocol-violation']);
  });
});

describe('capabilities', () => {
  both('are filtered in all four places, and TLS strips STARTTLS', (s) => {
    s.server('* OK [CAPABILITY IMAP4rev1 STARTTLS URLAUTH] hi\r\n* CAPABILITY IMAP4rev1 NOTIFY MOVE\r\n');
    s.client('a NOOP\r\n').server('a OK [CAPABILITY X-ONE MOVE] hi\r\n* OK [CAPABILITY MOVE UIDONLY] hi\r\n');
    expect(s.clientGot()).toBe(
      '* OK [CAPABILITY IMAP4rev1] hi\r\n* CAPABILITY IMAP4rev1 MOVE\r\na OK [CAPABILITY MOVE] hi\r\n* OK [CAPABILITY MOVE] hi\r\n',
    );
  });
});

describe('STARTTLS', () => {
  both(
    'upgrades at the OK and forgets everything that was sent in the clear',
    (s) => {
      s.server('* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n').client('a STARTTLS\r\nb NOOP\r\n');
      expect(s.clientGot()).toBe('* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\r\n');
      expect(s.serverGot()).toBe('a STARTTLS\r\n');
      s.server('a OK Begin\r\n* OK injected\r\n').client('c LOGIN x y\r\n');
      expect(s.notes).toEqual(['start-tls a OK Begin\r\n']);
      s.event({ kind: 'tls-ready' })
        .client('d CAPABILITY\r\n')
        .server('* CAPABILITY IMAP4rev1 STARTTLS\r\nd OK\r\n');
      expect(s.serverGot()).toBe('d CAPABILITY\r\n');
      expect(s.clientGot()).toBe('* CAPABILITY IMAP4rev1\r\nd OK\r\n');
    },
    false,
  );

  both(
    'goes on in the clear where the server refuses it',
    (s) => {
      opened(s).client('a STARTTLS\r\nlost').server('a BAD no\r\n').client('b NOOP\r\n');
      expect(s.clientGot()).toBe('a BAD no\r\n');
      expect(s.serverGot()).toBe('a STARTTLS\r\nb NOOP\r\n');
    },
    false,
  );
});

describe('the end of a side', () => {
  both('of the server drops what is half, and passes on behind what is held', (s) => {
    opened(s).client('a FETCH 1:2 BODY[]\r\n');
    const first = `* 1 FETCH (BODY[] ${literal(mail)})\r\n`;
    s.server(`${first}* 2 FETCH (BODY[] {90}\r\nhalf`).event({ kind: 'end', from: 'server' });
    expect(s.dropped()).toEqual([2]);
    expect(s.notes).toEqual([]);
    expect(s.release(1).clientGot()).toBe(first);
    expect(s.notes).toEqual(['end client']);
  });

  both('of the client passes on behind what it sent', (s) => {
    opened(s).client('a APPEND x {2}\r\nzz\r\n').event({ kind: 'end', from: 'client' });
    expect(s.notes).toEqual([]);
    s.server('+ \r\n');
    expect(s.serverGot()).toBe('a APPEND x {2}\r\nzz\r\n');
    expect(s.notes).toEqual(['end server']);
  });
});
