// What lies in the mailbox of the self-test: a clean message, and one with the harmless test virus of EICAR.

export interface TestMessage {
  readonly uid: number;
  readonly octets: Buffer;
  /** What must not be found in it when it arrives. */
  readonly forbidden: readonly string[];
}

export interface TestMailbox {
  readonly user: string;
  readonly password: string;
  readonly clean: TestMessage;
  readonly infected: TestMessage;
}

// In pieces, so that no scanner takes this file, or what is built of it, for a virus.
const eicar = () =>
  ['X5O!P%@AP[4\\PZX54(P^)7CC)7}', '$EICAR-STANDARD-', 'ANTIVIRUS-TEST-FILE!', '$H+H*'].join('');

const header = (subject: string) => [
  'From: Postern <selftest@postern.invalid>',
  'To: selftest@postern.invalid',
  `Subject: ${subject}`,
  'Date: Mon, 1 Jan 2024 12:00:00 +0000',
  'MIME-Version: 1.0',
];

const message = (uid: number, lines: readonly string[], forbidden: readonly string[]): TestMessage => ({
  uid,
  octets: Buffer.from(`${lines.join('\r\n')}\r\n`, 'latin1'),
  forbidden,
});

/** A mailbox with a password that is nowhere but in memory. `random` gives so many octets. */
export function createTestMailbox(random: (sizeBytes: number) => Uint8Array): TestMailbox {
  const attachment = Buffer.from(eicar()).toString('base64');
  return {
    user: 'selftest',
    password: Buffer.from(random(16)).toString('hex'),
    clean: message(
      1,
      [
        ...header('Clean message of the self-test'),
        'Content-Type: text/plain; charset=us-ascii',
        '',
        'Nothing is wrong with this message. It must arrive octet for octet,',
        '.with this line, which begins with a dot,',
        '',
        '.',
        'and with the three above.',
      ],
      [],
    ),
    infected: message(
      2,
      [
        ...header('Test virus of the self-test'),
        'Content-Type: multipart/mixed; boundary="selftest"',
        '',
        '--selftest',
        'Content-Type: text/plain; charset=us-ascii',
        '',
        'The attachment is the harmless test virus of EICAR.',
        '',
        '--selftest',
        'Content-Type: application/octet-stream; name="eicar.com"',
        'Content-Disposition: attachment; filename="eicar.com"',
        'Content-Transfer-Encoding: base64',
        '',
        ...(attachment.match(/.{1,76}/g) ?? []),
        '--selftest--',
      ],
      [eicar(), ...(attachment.match(/.{1,76}/g) ?? [])],
    ),
  };
}
