// Outlook messages (MS-OXMSG): which streams are attachments and bodies, and what they are called.

/** Property ids and types, as stream names have them (§2.4). */
const attachmentData = /^__substg1\.0_37010102$/i;
const bodyText = /^__substg1\.0_1000001[ef]$/i;
const bodyHtml = /^__substg1\.0_1013(?:0102|001[ef])$/i;
const bodyRtf = /^__substg1\.0_10090102$/i;
/** The long name, the short one, the name that is shown. */
const nameProperties = ['3707', '3704', '3001'];

export interface PropertyStream {
  readonly name: string;
  readonly parent: number;
}

/** What a property stream is to people; undefined: nothing that they would open. */
export function outlookName<Stream extends PropertyStream>(
  { name, parent }: Stream,
  textOf: (name: string, parent: number) => string | undefined,
): string | undefined {
  if (attachmentData.test(name)) {
    for (const id of nameProperties) {
      const found = textOf(`__substg1.0_${id}001f`, parent) ?? textOf(`__substg1.0_${id}001e`, parent);
      if (found !== undefined && found !== '') return found;
    }
    return 'attachment';
  }
  if (bodyText.test(name)) return 'body.txt';
  if (bodyHtml.test(name)) return 'body.html';
  return bodyRtf.test(name) ? 'body.rtf' : undefined;
}

/** Whether the name says that its octets are UTF-16. */
export function isWideProperty(name: string): boolean {
  return /001f$/i.test(name);
}
