// Names that would lead elsewhere, and files that are not what their names say.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openQuarantine, type Quarantine, type QuarantineProblem } from './quarantine.ts';

let base: string;
let directory: string;
let quarantine: Quarantine;
let id: string;
let problems: QuarantineProblem[];
let random = 0;

const open = () =>
  openQuarantine({
    directory,
    now: () => new Date('2025-11-24T12:00:00Z'),
    random: (size) => Buffer.alloc(size, ++random),
    onProblem: (problem) => problems.push(problem),
  });

function put(text: string, to = quarantine) {
  const octets = Buffer.from(text);
  const verdict = {
    outcome: 'infected' as const,
    complete: true,
    detections: [],
    notes: [],
    engines: [],
    limits: [],
    sha256: '',
    bytes: octets.length,
    parts: 1,
    ms: 0,
  };
  return to.put({
    read: async (from, end) => octets.subarray(from, end),
    sizeBytes: octets.length,
    verdict,
    server: 's',
  });
}

async function drain(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
}

beforeEach(async () => {
  base = mkdtempSync(join(tmpdir(), 'quarantine-'));
  directory = join(base, 'quarantine');
  problems = [];
  quarantine = await open();
  const result = await put('the original octets');
  if (!result.ok) throw new Error(result.reason);
  id = result.id;
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const pathOf = (name: string) => join(directory, `${name}.quarantined`);

describe('names', () => {
  test('none but its own is ever opened', async () => {
    writeFileSync(join(base, 'secret.quarantined'), readFileSync(pathOf(id)));
    const names = [
      '../secret',
      '..',
      '',
      '/etc/passwd',
      `${id}/../${id}`,
      `./${id}`,
      `${id}\0`,
      `${id}\n`,
      'a'.repeat(5_000),
      '__proto__',
    ];
    for (const name of names) {
      expect(await quarantine.show(name)).toBeUndefined();
      await expect(drain(quarantine.read(name))).rejects.toThrow('not the id');
    }
  });

  test('a well-formed one that is not there is not found', async () => {
    expect(await quarantine.show('20251124T120000Z-ffffffffffffffff')).toBeUndefined();
    await expect(drain(quarantine.read('20251124T120000Z-ffffffffffffffff'))).rejects.toThrow('ENOENT');
  });
});

describe('files', () => {
  const damages: Readonly<Record<string, (file: Buffer) => Buffer>> = {
    empty: () => Buffer.alloc(0),
    'cut in the first line': (file) => file.subarray(0, 5),
    'cut in the description': (file) => file.subarray(0, 60),
    'cut in the octets': (file) => file.subarray(0, -1),
    longer: (file) => Buffer.concat([file, Buffer.from('x')]),
    'of another program': () => Buffer.from('From nobody\n{}\n'),
    'with a description that is no JSON': (file) =>
      Buffer.concat([file.subarray(0, 21), Buffer.from('{"id":\n')]),
    'with a description of the wrong shape': (file) =>
      Buffer.concat([file.subarray(0, 21), Buffer.from('{"id":1}\n')]),
    'with a description without end': (file) =>
      Buffer.concat([file.subarray(0, 21), Buffer.alloc(3 * 1024 * 1024, 0x20)]),
    'under the name of another': (file) => file,
  };

  test.each(Object.entries(damages))(
    'one that is %s is left out, and the others are still listed',
    async (_name, damage) => {
      const other = '20251124T130000Z-00000000000000aa';
      writeFileSync(pathOf(other), damage(readFileSync(pathOf(id))));
      const later = await open();
      expect((await later.list()).map((entry) => entry.id)).toEqual([id]);
      expect(await later.show(other)).toBeUndefined();
      expect(problems).toMatchObject([{ kind: 'damaged', file: pathOf(other) }]);
    },
  );

  test('one whose octets have changed fails at its end, and is not taken for the original again', async () => {
    const file = readFileSync(pathOf(id));
    file[file.length - 1] = (file.at(-1) ?? 0) ^ 1;
    writeFileSync(pathOf(id), file);
    const later = await open();
    await expect(drain(later.read(id))).rejects.toThrow('damaged');
    const again = await put('the original octets', later);
    if (!again.ok) throw new Error(again.reason);
    expect(again.id).not.toBe(id);
    expect(await drain(later.read(again.id))).toBe('the original octets');
    expect(problems).toMatchObject([{ kind: 'damaged' }]);
  });
});
