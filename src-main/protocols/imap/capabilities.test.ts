import { expect, it } from 'vitest';
import { latin1, octets } from '../bytes.ts';
import { mayAuthenticateBy } from '../sasl.ts';
import { filterCapabilityLine, leavesNoSignIn, mayEnable } from './capabilities.ts';

const filter = (line: string, tls = false) => latin1(filterCapabilityLine(octets(line), tls));

it('returns the very line where nothing is removed', () => {
  const line = octets('* CAPABILITY IMAP4rev1  idle X-GM-EXT-1 AUTH=xoauth2 THREAD=REFS \r\n');
  expect(filterCapabilityLine(line, true)).toBe(line);
});

it('removes what is not on the list', () => {
  expect(
    filter(
      '* CAPABILITY IMAP4rev1 IMAP4rev2 COMPRESS=LZ4 CONVERT NOTIFY CATENATE URLAUTH URL-PARTIAL PREVIEW=FUZZY ' +
        'SNIPPET=FUZZY UIDONLY UTF8=ACCEPT PARTIAL CONTEXT=SORTED X-NEW ESEARCH OBJECTID\r\n',
    ),
  ).toBe('* CAPABILITY IMAP4rev1 ESEARCH OBJECTID\r\n');
});

it('hides mechanisms that bind to the channel or make it opaque, and all SCRAM where -PLUS is offered', () => {
  expect(
    filter('* CAPABILITY AUTH=PLAIN AUTH=DIGEST-MD5 AUTH=GSSAPI AUTH=EXTERNAL AUTH=SCRAM-SHA-256\r\n'),
  ).toBe('* CAPABILITY AUTH=PLAIN AUTH=SCRAM-SHA-256\r\n');
  expect(filter('a OK [CAPABILITY AUTH=SCRAM-SHA-1 AUTH=scram-sha-256-plus AUTH=PLAIN] in\r\n')).toBe(
    'a OK [CAPABILITY AUTH=PLAIN] in\r\n',
  );
  expect(mayAuthenticateBy('gssapi')).toBe(false);
  expect(mayAuthenticateBy('xoauth2')).toBe(true);
});

it('knows a list that leaves no way to sign in', () => {
  const list = (names: string) => octets(`* CAPABILITY IMAP4rev1 ${names}\r\n`);
  expect(leavesNoSignIn(list('LOGINDISABLED AUTH=GSSAPI auth=external'), true)).toBe(true);
  expect(
    leavesNoSignIn(
      octets('* OK [CAPABILITY AUTH=SCRAM-SHA-1 AUTH=SCRAM-SHA-1-PLUS LOGINDISABLED]\r\n'),
      false,
    ),
  ).toBe(true);
  expect(leavesNoSignIn(list('LOGINDISABLED STARTTLS AUTH=GSSAPI'), false)).toBe(false);
  expect(leavesNoSignIn(list('AUTH=GSSAPI'), true)).toBe(false);
  expect(leavesNoSignIn(list('LOGINDISABLED AUTH=GSSAPI AUTH=PLAIN'), true)).toBe(false);
  expect(leavesNoSignIn(list('LOGINDISABLED'), true)).toBe(false);
  expect(leavesNoSignIn(octets('* OK LOGINDISABLED AUTH=GSSAPI\r\n'), true)).toBe(false);
});

it('offers STARTTLS only outside TLS', () => {
  const line = '* OK [CAPABILITY IMAP4rev1 STARTTLS] hi\n';
  expect(filter(line)).toBe(line);
  expect(filter(line, true)).toBe('* OK [CAPABILITY IMAP4rev1] hi\n');
});

it('leaves other lines alone', () => {
  for (const line of [
    '* OK COMPRESS=DEFLATE\r\n',
    '* LIST () "/" "CAPABILITY BINARY"\r\n',
    '* NO [ALERT] BINARY\r\n',
  ]) {
    expect(filter(line)).toBe(line);
  }
});

it('enables what leaves the grammar alone', () => {
  expect(['condstore', 'QRESYNC', 'UTF8=ACCEPT', 'IMAP4rev2', 'UIDONLY', ''].map(mayEnable)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
