import { describe, expect, test } from 'vitest';
import { octets } from '../bytes.ts';
import { EngineScript } from '../script.test-support.ts';
import { createPop3Engine } from './engine.ts';
import { Script } from './script.test-support.ts';

describe.each([
  ['as sent', false],
  ['octet by octet', true],
])('%s', (_, octetMode) => {
  const script = (tls = true) => new Script(octetMode, tls);

  test('commands and answers pass as they are', () => {
    const s = script();
    s.client('USER x\r\n').server('+OK\r\n').client('pass  y\r\n').server('+OK Logged in.\r\n');
    s.client('STAT\r\n').server('+OK 2 300\r\n').client('LIST\r\n').server('+OK\r\n1 100\r\n2 200\r\n.\r\n');
    s.client('LIST 2\r\n')
      .server('+OK 2 200\r\n')
      .client('UIDL\r\n')
      .server('-ERR no\r\n')
      .client('DELE 1\r\nNOOP\r\n');
    expect(s.serverGot()).toBe('USER x\r\npass  y\r\nSTAT\r\nLIST\r\nLIST 2\r\nUIDL\r\nDELE 1\r\nNOOP\r\n');
    expect(s.clientGot()).toBe(
      '+OK\r\n+OK Logged in.\r\n+OK 2 300\r\n+OK\r\n1 100\r\n2 200\r\n.\r\n+OK 2 200\r\n-ERR no\r\n',
    );
  });

  test('holds the message until the verdict, and stuffs it as it was', () => {
    const s = script();
    const body = 'Subject: x\r\n\r\n..\r\n...\r\n..dot\r\nend\r\n';
    s.client('RETR 1\r\n').server(`+OK 30 octets\r\n${body}.\r\n`);
    expect(s.clientGot()).toBe('');
    expect(s.messages.get(1)?.text).toBe('Subject: x\r\n\r\n.\r\n..\r\n.dot\r\nend\r\n');
    expect(s.ended()).toEqual([1]);
    s.release(1);
    expect(s.clientGot()).toBe(`+OK 30 octets\r\n${body}.\r\n`);
  });

  test('pipelined messages are released one by one, in order, and what is behind them waits', () => {
    const s = script();
    s.client('RETR 1\r\nRETR 2\r\nSTAT\r\n');
    s.server('+OK\r\n\r\none\r\n.\r\n+OK\r\n\r\ntwo\r\n.\r\n+OK 2 9\r\n');
    s.release(2);
    expect(s.clientGot()).toBe('');
    s.release(1);
    expect(s.clientGot()).toBe('+OK\r\n\r\none\r\n.\r\n+OK\r\n\r\ntwo\r\n.\r\n+OK 2 9\r\n');
  });

  test('a message that must not leave is a temporary error, and the next answers keep their place', () => {
    const s = script();
    s.client('RETR 1\r\nNOOP\r\n').server('+OK\r\n\r\none\r\n.\r\n+OK\r\n').release(1, 'refuse');
    expect(s.clientGot()).toMatch(/^-ERR \[SYS\/TEMP\] [^\r]+\r\n\+OK\r\n$/);
  });

  test('a message that is not there passes its error', () => {
    const s = script();
    s.client('RETR 9\r\n').server('-ERR no such message\r\n');
    expect(s.clientGot()).toBe('-ERR no such message\r\n');
  });

  test('TOP with lines fetches the whole, and answers header and lines from what was scanned', () => {
    const s = script();
    s.client('top 3 2\r\n').server('+OK\r\nA: b\r\nC: d\r\n\r\n1\r\n..2\r\n3\r\n4\r\n.\r\n');
    expect(s.serverGot()).toBe('RETR 3\r\n');
    s.release(1);
    expect(s.clientGot()).toBe('+OK\r\nA: b\r\nC: d\r\n\r\n1\r\n..2\r\n.\r\n');
  });

  test('TOP with more lines than there are answers the whole', () => {
    const s = script();
    s.client('TOP 3 99\r\n').server('+OK\r\nA: b\r\n\r\n1\r\n.\r\n').release(1);
    expect(s.clientGot()).toBe('+OK\r\nA: b\r\n\r\n1\r\n.\r\n');
  });

  test('TOP does not tell the size of the whole', () => {
    const s = script();
    s.client('TOP 3 1\r\n').server('+OK 999 octets\r\nA: b\r\n\r\n1\r\n2\r\n.\r\n').release(1);
    expect(s.clientGot()).toBe('+OK\r\nA: b\r\n\r\n1\r\n.\r\n');
  });

  test('TOP of a message that is refused, or not there', () => {
    const s = script();
    s.client('TOP 1 1\r\nTOP 9 1\r\n').server('+OK\r\n\r\n1\r\n.\r\n-ERR no such message\r\n');
    expect(s.release(1, 'refuse').clientGot()).toMatch(
      /^-ERR \[SYS\/TEMP\] [^\r]+\r\n-ERR no such message\r\n$/,
    );
  });

  test('a message that is refused while it arrives gives its answer when it has arrived', () => {
    const s = script();
    s.client('RETR 1\r\nNOOP\r\n').server('+OK\r\n\r\none\r\n').release(1, 'refuse');
    s.server('two\r\n.\r\n+OK\r\n');
    expect(s.clientGot()).toMatch(/^-ERR \[SYS\/TEMP\] [^\r]+\r\n\+OK\r\n$/);
    expect(s.dropped()).toEqual([1]);
  });

  test('a message without octets', () => {
    const s = script();
    s.client('RETR 1\r\n').server('+OK 0 octets\r\n.\r\n').release(1);
    expect(s.clientGot()).toBe('+OK 0 octets\r\n.\r\n');
  });

  test('line ends are the server’s own', () => {
    const s = script();
    s.client('STAT\nLIST\nRETR 1\n').server('+OK 1 9\n+OK\n1 9\n.\n+OK\nA: b\n\n..x\n.\n').release(1);
    expect(s.serverGot()).toBe('STAT\nLIST\nRETR 1\n');
    expect(s.clientGot()).toBe('+OK 1 9\n+OK\n1 9\n.\n+OK\nA: b\n\n..x\n.\n');
  });

  test('a message with dots behind bare LFs arrives as it was sent', () => {
    const s = script();
    const answer = '+OK\r\nA: b\r\n\r\na\n.\n..b\n.c\r\n..\r\n.\r\n';
    s.client('RETR 1\r\n').server(answer).release(1);
    expect(s.clientGot()).toBe(answer);
  });

  test('a header alone passes at once', () => {
    const s = script();
    s.client('TOP 1 0\r\n').server('+OK\r\nA: b\r\n\r\n.\r\n');
    expect(s.serverGot()).toBe('TOP 1 0\r\n');
    expect(s.clientGot()).toBe('+OK\r\nA: b\r\n\r\n.\r\n');
  });

  test('a header with anything behind its empty line is content', () => {
    const s = script();
    s.client('TOP 1 0\r\n').server('+OK\r\nA: b\r\n\r\nbody\r\n..x\r\n.\r\n');
    expect(s.clientGot()).toBe('');
    expect(s.messages.get(1)?.text).toBe('A: b\r\n\r\nbody\r\n.x\r\n');
    s.release(1);
    expect(s.clientGot()).toBe('+OK\r\nA: b\r\n\r\nbody\r\n..x\r\n.\r\n');
  });

  test('commands that can not be followed are refused in their place, and never sent', () => {
    const s = script();
    s.client('NOOP\r\nXTND XMIT\r\nTOP 1\r\nNOOP\r\n');
    expect(s.serverGot()).toBe('NOOP\r\nNOOP\r\n');
    expect(s.clientGot()).toBe('');
    s.server('+OK first\r\n+OK second\r\n');
    expect(s.clientGot()).toBe(
      '+OK first\r\n-ERR Command not supported\r\n-ERR Invalid arguments\r\n+OK second\r\n',
    );
  });

  test('CAPA shows what can pass', () => {
    const s = script(false);
    const capa = '+OK\r\nUIDL\r\nX-ODD\r\nSASL PLAIN GSSAPI\r\nSTLS\r\nPIPELINING\r\n.\r\n';
    s.client('CAPA\r\n').server(capa);
    expect(s.clientGot()).toBe('+OK\r\nUIDL\r\nSASL PLAIN\r\nSTLS\r\nPIPELINING\r\n.\r\n');
  });

  test('inside TLS, STLS is neither shown nor sent; SCRAM is hidden where it is offered bound to the channel', () => {
    const s = script();
    s.client('CAPA\r\nSTLS\r\n').server(
      '+OK\r\nSTLS\r\nSASL SCRAM-SHA-256 SCRAM-SHA-256-PLUS PLAIN\r\n.\r\n',
    );
    expect(s.serverGot()).toBe('CAPA\r\n');
    expect(s.clientGot()).toBe('+OK\r\nSASL PLAIN\r\n.\r\n-ERR TLS is active already\r\n');
  });

  test('the list of AUTH is filtered too', () => {
    const s = script();
    s.client('AUTH\r\n').server('+OK\r\nPLAIN\r\nGSSAPI\r\n.\r\n');
    expect(s.clientGot()).toBe('+OK\r\nPLAIN\r\n.\r\n');
  });

  test('an exchange passes line by line, also one that looks like a command, and a cancel', () => {
    const s = script();
    s.client('AUTH CRAM-MD5\r\n')
      .server('+ PDE+\r\n')
      .client('RETR 1\r\n')
      .server('+ more\r\n')
      .client('*\r\n');
    expect(s.serverGot()).toBe('AUTH CRAM-MD5\r\nRETR 1\r\n*\r\n');
    s.server('-ERR cancelled\r\n').client('RETR 1\r\n').server('+OK\r\n\r\nx\r\n.\r\n');
    expect(s.clientGot()).toBe('+ PDE+\r\n+ more\r\n-ERR cancelled\r\n');
    expect(s.ended()).toEqual([1]);
  });

  test('with an initial response, and by OAuth', () => {
    const s = script();
    s.client('AUTH XOAUTH2 dXNlcj0=\r\n').server('+OK in\r\n').client('STAT\r\n').server('+OK 0 0\r\n');
    expect(s.clientGot()).toBe('+OK in\r\n+OK 0 0\r\n');
  });

  test('a mechanism that can not pass is refused', () => {
    const s = script();
    s.client('AUTH GSSAPI\r\n');
    expect(s.serverGot()).toBe('');
    expect(s.clientGot()).toBe('-ERR Mechanism not available\r\n');
  });

  test('what a client sends behind an AUTH, unasked, waits and is read as commands', () => {
    const s = script();
    s.client('AUTH PLAIN x\r\nRETR 1\r\n');
    expect(s.serverGot()).toBe('AUTH PLAIN x\r\n');
    s.server('+OK\r\n');
    expect(s.serverGot()).toBe('RETR 1\r\n');
    s.server('+OK\r\n\r\nbody\r\n.\r\n');
    expect(s.clientGot()).toBe('+OK\r\n');
  });

  test.each([
    ['an empty initial response', 'AUTH PLAIN =\r\n', [['+ \r\n', 'AGEAYg==\r\n']]],
    ['a cancel at the first line', 'AUTH LOGIN\r\n', [['+ VXNlcm5hbWU6\r\n', '*\r\n']]],
    ['an empty line', 'auth plain\n', [['+\n', '\n']]],
    ['a line of one =', 'AUTH XOAUTH2 dXNlcj0=\r\n', [['+ eyJzdGF0dXMiOiI0MDAifQ==\r\n', '=\r\n']]],
  ] as const)('%s passes as it is', (_name, command, lines) => {
    const s = script().client(command);
    for (const [asked, given] of lines) s.server(asked).client(given);
    s.server('-ERR [AUTH] no\r\n').client('QUIT\r\n').server('+OK\r\n');
    expect(s.serverGot()).toBe(`${command}${lines.map(([, given]) => given).join('')}QUIT\r\n`);
    expect(s.clientGot()).toBe(`${lines.map(([asked]) => asked).join('')}-ERR [AUTH] no\r\n+OK\r\n`);
  });

  test('APOP, LAST, UTF8 and LANG pass', () => {
    const s = new Script(octetMode, true, '+OK <1896.697170952@dbc.example.test>\r\n');
    const commands = [
      'UTF8',
      'LANG MUL',
      'LANG',
      'LANG *',
      'APOP a c4c9334bac560ecc979e58001b3e22fb',
      'LAST',
      'RSET',
    ];
    const answers = ['+OK', '-ERR no', '+OK\r\nen English\r\n.', '+OK en', '+OK in', '+OK 1', '+OK'];
    for (const command of commands) s.client(`${command}\r\n`);
    for (const answer of answers) s.server(`${answer}\r\n`);
    expect(s.serverGot()).toBe(`${commands.join('\r\n')}\r\n`);
    expect(s.clientGot()).toBe(`${answers.join('\r\n')}\r\n`);
    expect(s.notes).toEqual([]);
  });

  test.each([
    'USER x',
    'PASS x',
    'APOP x y',
    'AUTH PLAIN x',
    'AUTH',
    'CAPA',
    'STAT',
    'LIST',
    'LIST 1',
    'UIDL',
    'UIDL 1',
    'RETR 1',
    'TOP 1 0',
    'DELE 1',
    'RSET',
    'NOOP',
    'LAST',
    'UTF8',
    'LANG',
    'LANG en',
    'QUIT',
  ])('an error to %s is one line, and the next answer is the next command’s', (command) => {
    const s = script().client(`${command}\r\nNOOP\r\n`).server('-ERR no\r\n+OK\r\n');
    expect(s.serverGot()).toBe(`${command}\r\nNOOP\r\n`);
    expect(s.clientGot()).toBe('-ERR no\r\n+OK\r\n');
    expect(s.client('STAT\r\n').server('+OK 0 0\r\n').clientGot()).toBe('+OK 0 0\r\n');
  });

  test('many commands in one packet have their answers in order, ours between the server’s', () => {
    const s = script();
    s.client(
      'USER a\r\nPASS b\r\nX\r\nSTAT\r\nLIST 1\r\nUIDL\r\nTOP 1\r\nRETR 1\r\nX\r\nTOP 2 1\r\nQUIT\r\nX\r\n',
    );
    expect(s.serverGot()).toBe('USER a\r\nPASS b\r\nSTAT\r\nLIST 1\r\nUIDL\r\nRETR 1\r\nRETR 2\r\nQUIT\r\n');
    const ours = '-ERR Command not supported\r\n';
    s.server('+OK\r\n+OK\r\n+OK 2 9\r\n+OK 1 4\r\n+OK\r\n1 a\r\n2 b\r\n.\r\n');
    expect(s.clientGot()).toBe(
      `+OK\r\n+OK\r\n${ours}+OK 2 9\r\n+OK 1 4\r\n+OK\r\n1 a\r\n2 b\r\n.\r\n-ERR Invalid arguments\r\n`,
    );
    s.server('+OK\r\n\r\n1\r\n.\r\n+OK\r\n\r\n1\r\n2\r\n.\r\n+OK bye\r\n').release(1).release(2);
    expect(s.clientGot()).toBe(`+OK\r\n\r\n1\r\n.\r\n${ours}+OK\r\n\r\n1\r\n.\r\n+OK bye\r\n${ours}`);
  });

  test('a server none of whose ways to sign in can pass is told of once', () => {
    const s = script().client('CAPA\r\n').server('+OK\r\nTOP\r\nSASL GSSAPI EXTERNAL\r\nUIDL\r\n');
    expect(s.notes).toEqual([]);
    s.server('.\r\n').client('CAPA\r\n').server('+OK\r\nSASL GSSAPI\r\n.\r\n');
    expect(s.clientGot()).toBe('+OK\r\nTOP\r\nUIDL\r\n.\r\n+OK\r\n.\r\n');
    expect(s.notes).toEqual(['no-sign-in']);
  });

  test.each([
    ['APOP', new Script(octetMode, true, '+OK POP3 <1@example.test> ready\r\n')],
    [
      'USER and PASS, by which it is signed in',
      script().client('USER a\r\nPASS b\r\n').server('+OK\r\n+OK\r\n'),
    ],
    ['an exchange, by which it is signed in', script().client('AUTH PLAIN x\r\n').server('+OK\r\n')],
  ])('a server that has %s is not told of', (_name, s) => {
    s.client('CAPA\r\n').server('+OK\r\nSASL GSSAPI\r\n.\r\n');
    expect(s.notes).toEqual([]);
  });

  test('a server that offers more behind STLS is told of only there', () => {
    const s = script(false).client('CAPA\r\nSTLS\r\n').server('+OK\r\nSASL GSSAPI\r\nSTLS\r\n.\r\n');
    expect(s.notes).toEqual([]);
    s.server('+OK\r\n').event({ kind: 'tls-ready' }).client('CAPA\r\n').server('+OK\r\nSASL GSSAPI\r\n.\r\n');
    expect(s.notes).toEqual(['start-tls +OK\r\n', 'no-sign-in']);
  });

  test('a list that ends with its server tells nothing', () => {
    const s = script()
      .client('CAPA\r\n')
      .server('+OK\r\nSASL GSSAPI\r\n')
      .event({ kind: 'end', from: 'server' });
    expect(s.notes).toEqual(['end client']);
  });

  test('STLS starts TLS and drops what both sides sent before it', () => {
    const s = script(false);
    s.client('STLS\r\nRETR 1\r\n').server('+OK begin\r\n+OK injected\r\n');
    expect(s.serverGot()).toBe('STLS\r\n');
    expect(s.notes).toEqual(['start-tls +OK begin\r\n']);
    s.client('more\r\n')
      .event({ kind: 'tls-ready' })
      .client('CAPA\r\n')
      .server('+OK\r\nSTLS\r\nTOP\r\n.\r\n');
    expect(s.serverGot()).toBe('CAPA\r\n');
    expect(s.clientGot()).toBe('+OK\r\nTOP\r\n.\r\n');
  });

  test('a refused STLS goes on in the clear', () => {
    const s = script(false);
    s.client('STLS\r\nSTAT\r\n').server('-ERR no\r\n');
    expect(s.serverGot()).toBe('STLS\r\nSTAT\r\n');
    expect(s.clientGot()).toBe('-ERR no\r\n');
  });

  test('STLS behind a held message waits for it', () => {
    const s = script(false);
    s.client('RETR 1\r\nSTLS\r\n').server('+OK\r\n\r\nx\r\n.\r\n+OK begin\r\n');
    expect(s.notes).toEqual([]);
    s.release(1);
    expect(s.notes).toEqual(['start-tls +OK begin\r\n']);
  });

  test('a client that ends in the middle of a line, or of an exchange, ends towards the server too', () => {
    const s = script();
    s.client('NOOP\r\nQUI').event({ kind: 'end', from: 'client' });
    expect(s.serverGot()).toBe('NOOP\r\n');
    expect(s.notes).toEqual(['end server']);
    const exchanging = script();
    exchanging.client('AUTH PLAIN\r\nAGEA\r\nQUIT\r\n').event({ kind: 'end', from: 'client' });
    expect(exchanging.notes).toEqual([]);
    exchanging.server('+ \r\n+OK\r\n');
    expect(exchanging.serverGot()).toBe('AUTH PLAIN\r\nAGEA\r\nQUIT\r\n');
    expect(exchanging.notes).toEqual(['end server']);
  });

  test.each([
    ['QUIT\r\n', '+OK bye', '+OK bye'],
    ['', '-ERR gone', '-ERR gone'],
    ['LIST\r\n', '+OK\r\n1 100\r\n2 2', '+OK\r\n1 100\r\n2 2'],
    ['AUTH\r\n', '+OK\r\nPLAIN\r\nGSSAPI\r\nLOGIN', '+OK\r\nPLAIN\r\nLOGIN'],
    ['RETR 1\r\n', '+OK', ''],
    ['TOP 1 0\r\n', '+OK\r\nA: b\r\n\r\n', ''],
  ])('after %j, a server that ends with %j', (command, last, expected) => {
    const s = script();
    s.client(command).server(last).event({ kind: 'end', from: 'server' });
    expect(s.clientGot()).toBe(expected);
    expect(s.notes).toEqual(['end client']);
  });

  test('commands that come before the greeting have their answers behind it', () => {
    const s = new Script(octetMode, true, '');
    s.client('EVIL\r\nCAPA\r\n').server('+OK ready <1@x>\r\n+OK\r\nTOP\r\n.\r\n');
    expect(s.serverGot()).toBe('CAPA\r\n');
    expect(s.clientGot()).toBe('+OK ready <1@x>\r\n-ERR Command not supported\r\n+OK\r\nTOP\r\n.\r\n');
  });

  test('ends of both sides pass in their turn', () => {
    const s = script();
    s.client('RETR 1\r\n').server('+OK\r\n\r\nx\r\n.\r\n').event({ kind: 'end', from: 'server' });
    expect(s.notes).toEqual([]);
    s.release(1);
    s.event({ kind: 'end', from: 'client' });
    expect(s.notes).toEqual(['end client', 'end server']);
  });
});

test('a long listing in one chunk leaves as one stretch of it', () => {
  const engine = createPop3Engine({ tls: true });
  engine.handle({ kind: 'data', from: 'server', bytes: octets('+OK\r\n') });
  engine.handle({ kind: 'data', from: 'client', bytes: octets('UIDL\r\n') });
  const listing = octets(`+OK\r\n${'1 abcdef\r\n'.repeat(5_000)}.\r\n`);
  expect(engine.handle({ kind: 'data', from: 'server', bytes: listing })).toEqual([
    { kind: 'send', to: 'client', bytes: listing },
  ]);
});

test('a message is kept for a minute of silence', () => {
  const s = new Script();
  s.client('RETR 1\r\n').server('+OK 5\r\n\r\nx\r\n.\r\n').release(1).clientGot();
  for (let i = 0; i < 5; i++) s.event({ kind: 'keep-alive' });
  s.client('RETR 1\r\n');
  expect(s.clientGot()).toBe('+OK 5\r\n\r\nx\r\n.\r\n');
  for (let i = 0; i < 6; i++) s.event({ kind: 'keep-alive' });
  expect(s.dropped()).toEqual([1]);
});

test('a client that waits hears nothing where that is not wanted', () => {
  const s = new EngineScript(createPop3Engine({ tls: true, keepAlive: false }), false);
  s.server('+OK ready\r\n').client('RETR 1\r\n').server('+OK 5\r\nA: b\r\n').clientGot();
  for (let i = 0; i < 3; i++) s.event({ kind: 'keep-alive' });
  expect(s.clientGot()).toBe('');
});
