import { expect, test } from 'vitest';
import { octets } from './bytes.ts';
import { isHeaderAlone } from './header-alone.ts';

test.each([
  ['A: b\r\n\r\n', true],
  ['A: b\r\n c\r\nD:\r\n\r\n', true],
  ['\r\n', true],
  ['', true],
  ['A: b\n\n', true],
  ['A: b\r\n', false],
  ['A: b\r\n\r\nx', false],
  ['\r\nA: b\r\n\r\n', false],
  ['A: b\r\rbody\r\n\r\n', false],
  ['A: b\n\nbody\r\n\r\n', false],
  ['A: b\r\n\nbody\r\n\r\n', false],
  ['A: b\r\n\r\n\r\n', false],
  ['no field\r\n\r\n', false],
  [': no name\r\n\r\n', false],
  ['A: b\r\nno field\rB: c\r\n\r\n', false],
])('%j is a header alone: %s', (text, expected) => {
  expect(isHeaderAlone(octets(text))).toBe(expected);
});
