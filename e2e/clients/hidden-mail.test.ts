// A virus that only some mail programs would see, or that stands in archives, documents and packed programs: real clients
// get such a message with its length and without the virus, or, where nobody can look in, untouched and counted.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { State } from '../../src-main/contract/state.ts';
import { ambiguous } from '../../src-main/scanner/mime/ambiguous.fixture.ts';
import { makeArchive } from '../../src-main/scanner/sandbox/archives.fixture.ts';
import { base64Lines } from '../../src-main/scanner/test-messages.ts';
import { encryptedEntry, writeZip } from '../../src-main/scanner/unpack/archives/zip.fixture.ts';
import { compoundFile } from '../../src-main/scanner/unpack/documents/compound-file.fixture.ts';
import { packageOf } from '../../src-main/scanner/unpack/documents/office.fixture.ts';
import { packedProgram } from '../../src-main/scanner/unpack/programs/program.fixture.ts';
import { curlImap, curlPop3, mbsync } from '../support/clients.ts';
import { postern } from '../support/core.ts';
import { type Dovecot, startMailServer } from '../support/dovecot.ts';
import { type ScannedServer, startScannedServer } from '../support/fixed-listeners.ts';
import { expectMailbox } from '../support/mailbox.ts';
import { eicar, type TestMessage } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';

const missing = missingTools(['dovecot', 'mbsync', 'curl', 'openssl'], { root: true });
const virus = Buffer.from(eicar);

function named(name: string, message: Buffer, infected = true): TestMessage {
  const header = Buffer.from(
    `Message-ID: <${name}@example.test>\r\nFrom: a@example.test\r\nSubject: ${name}\r\n`,
  );
  return { name, wire: Buffer.concat([header, message]), infected };
}

function attached(name: string, content: Buffer, text = 'See the attachment.', infected = true): TestMessage {
  const message = [
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    text,
    '--b',
    `Content-Type: application/octet-stream; name="${name}"`,
    'Content-Transfer-Encoding: base64',
    '',
    `${base64Lines(content)}--b--`,
    '',
  ];
  return named(name.replace(/\W/g, '-'), Buffer.from(message.join('\r\n'), 'latin1'), infected);
}

async function makeMessages(): Promise<TestMessage[]> {
  const locked = writeZip([encryptedEntry('letter.txt', virus, 'Sommer-2024')]);
  const inTar = await makeArchive('tar', { 'eicar.com': virus });
  const sevenZip = await makeArchive('7z', { 'eicar.com': virus });
  const package1 = packageOf('eicar.com', 'C:\\eicar.com', virus);
  return [
    named('two-types', ambiguous(virus, 'base64 in lines of 3', 'two types, the first counts')),
    named('no-boundary', ambiguous(virus, 'base64 in padded pieces', 'no boundary parameter')),
    named('uuencode', ambiguous(virus, 'uuencode in a text', 'a usual multipart')),
    named(
      'base64-of-all',
      ambiguous(virus, 'quoted-printable with soft breaks alone', 'a usual multipart', 'all of it in base64'),
    ),
    attached('eicar.7z', sevenZip),
    attached('eicar.tar.xz', await makeArchive('xz', { 'eicar.tar': inTar })),
    attached('eicar.bz2', await makeArchive('bzip2', { 'eicar.com': virus })),
    attached('nested.zip', await makeArchive('zip', { 'a.7z': sevenZip })),
    attached('open.zip', locked, 'The password is "Sommer-2024".'),
    attached('letter.doc', compoundFile({ 'ObjectPool/_1/\u0001Ole10Native': package1 })),
    attached('packed.exe', packedProgram(Buffer.concat([Buffer.from([0xc3]), virus]))),
    attached('locked.zip', locked, 'The password comes by telephone.', false),
  ];
}

describe.skipIf(missing !== undefined)(`hidden mail${missing ?? ''}`, () => {
  let scanned: ScannedServer<Dovecot>;
  let messages: readonly TestMessage[];

  beforeAll(async () => {
    messages = await makeMessages();
    scanned = await startScannedServer('hidden', (place) =>
      startMailServer({ ...place, users: { alice: messages } }),
    );
  });
  afterAll(() => scanned?.stop());

  test('mbsync', async () => expectMailbox(await mbsync(scanned.listeners.account('tls', 'imap')), messages));
  test('curl over IMAP', async () =>
    expectMailbox(await curlImap(scanned.listeners.account('tls', 'imap')), messages));
  test('curl over POP3', async () =>
    expectMailbox(await curlPop3(scanned.listeners.account('tls', 'pop3')), messages));

  test('what nobody could look into is counted with its reason', () => {
    const status = postern(scanned.listeners.core.ready.dataDir, 'status', '--json');
    const { counters } = JSON.parse(status.toString()) as Pick<State, 'counters'>;
    expect(counters.notScannedByReason).toMatchObject({ encrypted: expect.any(Number) });
    expect(counters.infected).toBeGreaterThanOrEqual(messages.length - 1);
  });
});
