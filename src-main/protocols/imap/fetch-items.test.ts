import { describe, expect, it } from 'vitest';
import { fetchItem, parseFetchArguments } from './fetch-items.ts';

it.each([
  ['BODY[]', 'whole', 'BODY[]'],
  ['BODY.PEEK[]', 'whole', 'BODY[]'],
  ['RFC822', 'whole', 'BODY[]'],
  ['BODY.PEEK[HEADER]', 'header', 'BODY[HEADER]'],
  ['RFC822.HEADER', 'header', 'BODY[HEADER]'],
  ['BODY[HEADER.FIELDS (FROM "TO")]', 'header', 'BODY[HEADER.FIELDS]'],
  ['BODY[HEADER.FIELDS.NOT (TO)]', 'header', 'BODY[HEADER.FIELDS.NOT]'],
  ['BODY[HEADER]<0>', 'piece', 'BODY[HEADER]<0>'],
  ['BODY.PEEK[]<0.65536>', 'piece', 'BODY[]<0>'],
  ['BODY[1.HEADER]', 'piece', 'BODY[1.HEADER]'],
  ['BODY[1.MIME]', 'piece', 'BODY[1.MIME]'],
  ['BODY[TEXT]', 'piece', 'BODY[TEXT]'],
  ['RFC822.TEXT', 'piece', 'BODY[TEXT]'],
  ['BINARY[]', 'piece', 'BINARY[]'],
  ['BODY[HEADER.FIELDS]', 'piece', 'BODY[HEADER.FIELDS]'],
  ['BODY[HEADER', 'piece', 'BODY[HEADER'],
  ['RFC822.SIZE', 'other', 'RFC822.SIZE'],
  ['BINARY.SIZE[1]', 'other', 'BINARY.SIZE[1]'],
  ['ENVELOPE', 'strings', 'ENVELOPE'],
  ['PREVIEW', 'other', 'PREVIEW'],
  ['toString', 'other', 'toString'],
])('takes %s for %s', (name, role, key) => {
  expect(fetchItem(name)).toEqual({ role, key });
});

describe('the arguments of FETCH', () => {
  const read = (text: string) => parseFetchArguments(text, true);

  it.each([
    ['1 ALL', false],
    ['1:* (FLAGS) (CHANGEDSINCE 5 VANISHED)', false],
    ['1 FLAGS (CHANGEDSINCE 5)', false],
    ['1:21 (UID RFC822.SIZE BODY.PEEK[])', false],
    ['7 (UID body.peek[header.fields (From To)] envelope)', false],
    ['7 rfc822.header', false],
    ['2 BODY[1]', true],
    ['2 (BODY.PEEK[]<0.65536> UID)', true],
    ['2 (UID RFC822.SIZE MODSEQ BODY.PEEK[1.MIME] BODY.PEEK[1]<0.65536>)', true],
    ['2 BODY.PEEK[TEXT]', true],
    ['2 BINARY[1]', true],
    ['2 (FLAGS BINARY.PEEK[1]<0.1>)', true],
    ['2 BINARY.SIZE[1]', false],
    ['2 PREVIEW', false],
    ['2 (PREVIEW (LAZY) UID)', false],
  ])('%s names pieces: %s', (text, pieces) => {
    expect(read(text)).toMatchObject({ pieces });
  });

  it('tells items, their arguments and the modifiers apart', () => {
    const { items, modifiers } =
      read('1 (PREVIEW (LAZY) body[header.fields (From "(")]) (CHANGEDSINCE 5)') ?? {};
    expect(items?.map(({ text }) => text)).toEqual(['PREVIEW (LAZY)', 'body[header.fields (From "(")]']);
    expect(modifiers).toBe(' (CHANGEDSINCE 5)');
    expect(read('1 FLAGS (CHANGEDSINCE 5)')).toMatchObject({ modifiers: ' (CHANGEDSINCE 5)' });
  });

  it.each([
    '',
    '1',
    '1 ',
    'x FLAGS',
    '1 ()',
    '1 (FLAGS',
    '1 FLAGS UID',
    '1 (FLAGS)x',
    '1 BODY[',
    '1 "FLAGS"',
  ])('takes no arguments from %j', (text) => expect(read(text)).toBeUndefined());

  it.each([' 1 FLAGS', '1  FLAGS ', '1 (FLAGS   UID) ', '1 (BODY[HEADER.FIELDS  (A)])'])(
    'takes spare blanks for one: %j',
    (text) => {
      const { setText, itemsText } = read(text) ?? {};
      expect(`${setText}${itemsText}`).toBe(text.replace(/ +/g, ' ').trim());
    },
  );

  it('keeps the octets behind the set', () => {
    expect(read('1:3,5 (uid BODY[1])')).toMatchObject({
      setText: '1:3,5',
      itemsText: ' (uid BODY[1])',
    });
  });
});
