import { expect, it } from 'vitest';
import { latin1, octets } from '../bytes.ts';
import { mayAuthenticateBy } from '../sasl.ts';
import { filterCapabilityLine, mayEnable } from './capabilities.ts';

const filter = (line: string, tls = false) => latin1(filterCapabilityLine(octets(line), tls));

it('returns the very line where nothing is removed', () => {
  const line = octets('* CAPABILITY IMAP4rev1  idle X-GM-EXT-1 AUTH=xoauth2 THREAD=REFS \r\n');
  expect(filterCapabilityLine(line, true)).toBe(line);
});

it('removes what is not on the list', () => {
  expect(
    filter(
      '* CAPABILITY IMAP4rev1 IMAP4rev2 COMPRESS=DEFLATE BINARY NOTIFY CATENATE URLAUTH URL-PARTIAL PREVIEW=FUZZY ' +
        'SNIPPET=FUZZY UIDONLY UTF8=ACCEPT PARTIAL CONTEXT=SEARCH X-NEW ESEARCH OBJECTID\r\n',
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
