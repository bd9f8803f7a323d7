import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type KnownFinding, type Scanner, type ScanOptions, startScanner } from './pool.ts';
import { attachment, eicar, message, multipart, textPart } from './test-messages.ts';

let scanner: Scanner;
beforeAll(async () => {
  scanner = await startScanner({
    workerUrl: new URL('./worker.ts', import.meta.url),
    rulesDirectory: new URL('./rules/', import.meta.url),
    workers: 1,
  });
});
afterAll(() => scanner.stop());

const scan = (bytes: Buffer, options: ScanOptions) => scanner.scan({ kind: 'bytes', bytes }, options);
const malware = (part: string, name = 'Other.Engine.Malware'): KnownFinding => ({
  name,
  part,
  category: 'malware',
});

/** The message as it is delivered, and the verdict on it. */
async function neutralised(bytes: Buffer, known: readonly KnownFinding[], options: ScanOptions = {}) {
  const { verdict, overwrites, tags } = await scan(bytes, { neutralise: true, known, ...options });
  const changed = Buffer.from(bytes);
  for (const { offset, bytes: octets } of [...overwrites, ...tags]) changed.set(octets, offset);
  return { verdict, changed: changed.toString('latin1') };
}

const content = (text: string) => Buffer.from(`${text} `.repeat(20));
const base64 = (text: string) => content(text).toString('base64').slice(0, 76);
const mail = multipart('b', [
  textPart,
  attachment('one.bin', content('first')),
  attachment('two.bin', content('second')),
]);
const hasText = (text: string) => Buffer.from(mail).toString('latin1').includes(text);

describe('leaves', () => {
  const leavesOf = async (bytes: Buffer, leaves: NonNullable<ScanOptions['leaves']>) => {
    const { leaves: given } = await scan(bytes, { leaves });
    return given.map(({ part, bytes: octets }) => [part, Buffer.from(octets).toString('latin1')]);
  };

  it('are the decoded parts, where they are asked for', async () => {
    const all = await leavesOf(mail, 'all');
    expect(all).toContainEqual(['2/one.bin', content('first').toString()]);
    expect(all).toContainEqual(['3/two.bin', content('second').toString()]);
    expect(await leavesOf(mail, 'none')).toEqual([]);
    expect((await scan(mail, {})).leaves).toEqual([]);
  });

  it('are none of a plain message where only ambiguous ones are wanted', async () => {
    expect(await leavesOf(mail, 'ambiguous')).toEqual([]);
    const twice = message(['Content-Type: text/plain', 'Content-Type: text/html'], content('text'));
    expect((await leavesOf(twice, 'ambiguous')).length).toBeGreaterThan(0);
  });
});

describe('what another engine found', () => {
  it('is made harmless in its part alone, and is no part of the verdict', async () => {
    expect([base64('first'), base64('second')].map(hasText)).toEqual([true, true]);
    const { verdict, changed } = await neutralised(mail, [malware('2/one.bin')]);
    expect(verdict).toMatchObject({ outcome: 'clean', complete: true, detections: [] });
    expect(changed).toHaveLength(mail.length);
    expect(changed).not.toContain(base64('first'));
    expect(changed).toContain(base64('second'));
    expect(changed.slice(0, 200)).toBe(mail.toString('latin1', 0, 200));
  });

  it('is made harmless by its path alone, too', async () => {
    const { changed } = await neutralised(mail, [malware('3')]);
    expect(changed).toContain(base64('first'));
    expect(changed).not.toContain(base64('second'));
  });

  it('is made harmless together with what is around it', async () => {
    const inner = multipart('inner', [textPart, attachment('deep.bin', content('deep'))]);
    const outer = multipart('outer', [
      textPart,
      attachment('mail.eml', inner),
      attachment('two.bin', content('second')),
    ]);
    const { leaves } = await scan(outer, { leaves: 'all' });
    const deep = leaves.find(({ bytes }) => Buffer.from(bytes).equals(content('deep')));
    expect(deep?.part).toMatch(/^2\/mail\.eml\//);
    const { changed } = await neutralised(outer, [malware(deep?.part ?? '')]);
    expect(changed).not.toContain(inner.toString('base64').slice(0, 76));
    expect(changed).toContain(base64('second'));
  });

  it.each([
    ['the message as a whole', ''],
    ['a part that is not there', '9/other.bin'],
  ])('is made harmless everywhere but in the header: %s', async (_, part) => {
    const { changed } = await neutralised(mail, [malware(part)]);
    for (const text of [base64('first'), base64('second')]) expect(changed).not.toContain(text);
    expect(changed.slice(0, 100)).toBe(mail.toString('latin1', 0, 100));
    const notice = Buffer.from('[Removed by Postern: Other.Engine.Malware]').toString('base64');
    expect(changed).toContain(notice.slice(0, 52));
    expect(changed.match(/^--b/gm)).toHaveLength(mail.toString('latin1').match(/^--b/gm)?.length ?? 0);
  });

  it('leaves nothing but line ends at the last resort', async () => {
    const { changed } = await neutralised(mail, [malware('*'), malware('2')]);
    expect(changed).toHaveLength(mail.length);
    const subject = /^Subject: .*$/m.exec(mail.toString('latin1'))?.[0] ?? 'Subject';
    for (const text of [subject, base64('first'), base64('second')]) expect(changed).not.toContain(text);
    expect(changed.replace(/[^\r\n]/g, '')).toBe(mail.toString('latin1').replace(/[^\r\n]/g, ''));
  });

  it('is named in the header', async () => {
    const roomy = message([`X-Room: ${'x'.repeat(300)}`], content('text'));
    const tag = { subject: '[%DETECTIONNAME%]', header: true };
    for (const neutralise of [true, false]) {
      const { changed, verdict } = await neutralised(roomy, [malware('')], { tag, neutralise });
      expect(verdict.detections).toEqual([]);
      expect(changed).toContain('Subject: [Other.Engine.Malware] t\r\n');
      expect(changed).toContain('X-Postern-Detection: Other.Engine.Malware');
    }
  });

  it('stands beside what is found here', async () => {
    const both = multipart('b', [attachment('eicar.com', eicar), attachment('two.bin', content('second'))]);
    const { verdict, changed } = await neutralised(both, [malware('2/two.bin')]);
    expect(verdict).toMatchObject({ outcome: 'infected', detections: [{ name: 'Postern.Test.Eicar' }] });
    for (const text of [base64('second'), eicar.toString('base64').slice(0, 60)])
      expect(changed).not.toContain(text);
  });

  it('changes nothing where it is only suspicious', async () => {
    const { changed } = await neutralised(mail, [{ name: 'S', part: '', category: 'suspicious' }]);
    expect(changed).toBe(mail.toString('latin1'));
  });
});
