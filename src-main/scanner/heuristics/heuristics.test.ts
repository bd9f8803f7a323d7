import { describe, expect, it } from 'vitest';
import { testInspector } from '../inspector.fixture.ts';
import { neutralise } from '../neutralise.ts';
import { defaultOptions, type RuleGroup } from '../options.ts';
import { type Inspector, inspect } from '../pipeline.ts';
import { attachment, message, multipart, textPart, zip } from '../test-messages.ts';
import { windowsProgram } from './subject.fixture.ts';

function inspectorWith(groups: readonly RuleGroup[]): Inspector {
  return testInspector({ options: { ...defaultOptions, groups } });
}

const inspector = inspectorWith(defaultOptions.groups);

/** What is detected in a message, as `category name part`. */
function detected(bytes: Buffer, tools = inspector): string[] {
  return inspect(bytes, tools, 1).detections.map(({ category, name, part }) => `${category} ${name} ${part}`);
}

function delivered(original: Buffer): Buffer {
  const changed = Buffer.from(original);
  for (const { offset, bytes } of neutralise(original, inspect(original, inspector, 1), inspector, 1))
    changed.set(bytes, offset);
  return changed;
}

const disguised = multipart('b', [textPart, attachment('invoice.pdf.exe', windowsProgram)]);
const packed = multipart('b', [
  textPart,
  attachment('invoice.zip', zip([{ name: 'invoice.pdf.exe', bytes: windowsProgram }])),
]);
const page = Buffer.from(
  `<html><body><script>
  const text = atob("${Buffer.concat([windowsProgram, Buffer.alloc(2000, 1)]).toString('base64')}");
  const octets = Uint8Array.from(text, (character) => character.charCodeAt(0));
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([octets]));
  link.download = 'invoice.exe';
  link.click();
  </script></body></html>`,
);
const smuggled = multipart('b', [textPart, attachment('invoice.html', page)]);

describe('messages', () => {
  it.each([
    ['a program in disguise', disguised, 'malware Postern.Attachment.Disguised 2/invoice.pdf.exe'],
    ['one in an archive', packed, 'malware Postern.Attachment.Disguised 2/invoice.zip/invoice.pdf.exe'],
    ['one in a page', smuggled, 'malware Postern.Html.SmuggledProgram 2/invoice.html'],
  ])('with %s are infected, and are not once it is overwritten', (_, original, detection) => {
    expect(detected(original)).toContain(detection);
    const changed = delivered(original);
    expect(changed.length).toBe(original.length);
    expect(detected(changed).filter((each) => each.startsWith('malware'))).toEqual([]);
    // The text beside it stays.
    expect(changed.includes('See attachment.')).toBe(true);
  });

  it('with a program that is called one are suspicious, and stay as they are', () => {
    const original = multipart('b', [textPart, attachment('setup.exe', windowsProgram)]);
    expect(detected(original)).toEqual(['suspicious Postern.Attachment.Program 2/setup.exe']);
    expect(delivered(original).equals(original)).toBe(true);
  });

  it('are judged by the groups that are in use', () => {
    expect(detected(disguised, inspectorWith(['heuristics', 'phishing']))).toEqual([]);
  });

  it('say nothing of ordinary mail', () => {
    expect(detected(message([], 'Hi,\r\n\r\nsee you at eight.\r\n'))).toEqual([]);
    const notes = attachment('notes.txt', Buffer.from('eval(1); WScript.Shell; powershell -enc\n'));
    expect(detected(multipart('b', [textPart, notes]))).toEqual([]);
  });

  it('name what is odd about their structure as notes', () => {
    const bytes = message(['Content-Type: multipart/mixed; boundary=a'], '--a\r\n\r\nHi\r\n');
    expect(inspect(bytes, inspector, 1).notes).toEqual([
      { name: 'Postern.Mime.UnterminatedMultipart', part: '' },
    ]);
  });
});
