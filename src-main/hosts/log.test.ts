import { expect, test } from 'vitest';
import { createLog } from './log.ts';

test('an event is one line of JSON, and an error shows its stack and code alone', () => {
  const lines: string[] = [];
  const log = createLog({ write: (line) => lines.push(line), now: () => new Date(0) });
  log('listener', { port: 1143, text: 'two\nlines' });
  log('fault', { error: Object.assign(new Error('boom'), { code: 'EX', request: 'PASS secret' }) });
  expect(lines.every((line) => line.indexOf('\n') === line.length - 1)).toBe(true);
  expect(JSON.parse(lines[0] ?? '')).toEqual({
    at: '1970-01-01T00:00:00.000Z',
    event: 'listener',
    port: 1143,
    text: 'two\nlines',
  });
  expect(JSON.parse(lines[1] ?? '').error).toMatchObject({
    error: expect.stringContaining('boom'),
    code: 'EX',
  });
  expect(lines[1]).not.toContain('secret');
});
