// Which protocol is spoken, from the first octets of the server or of the client.

export type ServerSpeech = 'imap' | 'pop3' | 'not-mail' | 'need-more';
export type ClientSpeech = 'tls' | 'not-tls' | 'need-more';

/** On a mail port any greeting that opens with `*` (RFC 9051 §7.1) or `+` (RFC 1939 §4) is taken for mail. */
export function detectServer(bytes: Uint8Array): ServerSpeech {
  const [first] = bytes;
  if (first === undefined) return 'need-more';
  if (first === 0x2a) return 'imap';
  return first === 0x2b ? 'pop3' : 'not-mail';
}

/** A TLS record of a handshake (RFC 8446 §5.1): content type 22, major version 3. */
export function detectClient(bytes: Uint8Array): ClientSpeech {
  const [type, major] = bytes;
  if (type === undefined) return 'need-more';
  if (type !== 0x16) return 'not-tls';
  if (major === undefined) return 'need-more';
  return major === 3 ? 'tls' : 'not-tls';
}
