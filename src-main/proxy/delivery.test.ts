import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { Verdict } from '../contract/verdict.ts';
import type { Release } from '../protocols/engine.ts';
import type { Scanner } from '../scanner/pool.ts';
import { Delivery, type MessageOutcome } from './delivery.ts';
import { memoryQuarantine, memorySpools, memoryVerdicts, wordScanner } from './testing.fixture.ts';

interface Changes {
  readonly quarantineWorks?: boolean;
  readonly spoolWorks?: boolean;
  readonly scanner?: Scanner;
  readonly needsEngines?: boolean;
}

function setUp(changes: Changes = {}) {
  const spools = memorySpools(() => changes.spoolWorks ?? true);
  const quarantine = memoryQuarantine(changes.quarantineWorks ?? true);
  const released = new Map<number, Release>();
  const outcomes: MessageOutcome[] = [];
  const delivery = new Delivery({
    spools,
    quarantine,
    scanner: changes.scanner ?? wordScanner(),
    summarise: async () => ({ sender: 'a@example.test', subject: 'hello' }),
    verdicts: memoryVerdicts(),
    treatment: { neutralise: true, needsEngines: changes.needsEngines ?? false, tag: undefined },
    server: 'mail.example.test',
    onRelease: (message, release) => released.set(message, release),
    onOutcome: (outcome) => outcomes.push(outcome),
    onBacklog: () => undefined,
  });
  const give = (id: number, text: string, pieceOf?: number) => {
    delivery.start({ message: id, extent: pieceOf === undefined ? 'whole' : 'piece', pieceOf });
    delivery.append(id, Buffer.from(text));
    delivery.end(id);
  };
  const text = async (id: number, from: number, to: number) => {
    let out = '';
    for await (const chunk of delivery.read(id, from, to)) out += Buffer.from(chunk).toString('latin1');
    return out;
  };
  return { delivery, spools, quarantine, released, outcomes, give, text };
}

async function settle() {
  for (let i = 0; i < 10; i++) await turn();
}

describe('what becomes of a message', () => {
  test('clean: it may leave as it is, and is counted', async () => {
    const { give, released, outcomes, delivery } = setUp();
    give(1, 'hello');
    await settle();
    expect(released.get(1)).toBe('deliver');
    expect(outcomes).toEqual([{ outcome: 'clean', detections: [], limits: [] }]);
    expect(Buffer.from(delivery.inMemory(1, 1, 3) ?? []).toString()).toBe('el');
  });

  test('infected: the original is kept before the changed form, of the same length, may leave', async () => {
    const { give, released, outcomes, text, quarantine, delivery } = setUp();
    give(1, 'a VIRUS here');
    await settle();
    expect(quarantine.kept).toEqual(['a VIRUS here']);
    expect(released.get(1)).toBe('deliver');
    expect(delivery.inMemory(1, 0, 12)).toBeUndefined();
    expect(await text(1, 0, 12)).toBe('a ..... here');
    expect(await text(1, 4, 9)).toBe('... h');
    expect(outcomes[0]).toMatchObject({
      outcome: 'infected',
      quarantineId: 'q1',
      sender: 'a@example.test',
      subject: 'hello',
    });
  });

  test('infected and not to be kept: it must not leave', async () => {
    const { give, released, outcomes } = setUp({ quarantineWorks: false });
    give(1, 'a VIRUS here');
    await settle();
    expect(released.get(1)).toBe('refuse');
    expect(outcomes[0]).toMatchObject({ outcome: 'infected' });
    expect(outcomes[0]?.quarantineId).toBeUndefined();
  });

  /** A scanner of one verdict on everything. */
  function saying(changes: Partial<Verdict>): Scanner {
    const verdict: Verdict = {
      outcome: 'not-scanned',
      complete: false,
      detections: [],
      notes: [],
      engines: [],
      limits: ['message-size'],
      sha256: '',
      bytes: 5,
      parts: 0,
      ms: 0,
      ...changes,
    };
    return { ...wordScanner(), scan: async () => ({ verdict, overwrites: [], tags: [], leaves: [] }) };
  }

  test('not scanned, because it is over a limit: it leaves as it is, and is counted with the reason', async () => {
    const { give, released, outcomes, text, quarantine } = setUp({ scanner: saying({}) });
    give(1, 'a VIRUS in it');
    await settle();
    expect(released.get(1)).toBe('deliver');
    expect(await text(1, 0, 13)).toBe('a VIRUS in it');
    expect(outcomes).toMatchObject([{ outcome: 'not-scanned', limits: ['message-size'], subject: 'hello' }]);
    expect(quarantine.kept).toEqual([]);
  });

  test.each([
    ['down', false, 'deliver'],
    ['down', true, 'refuse'],
    ['timeout', true, 'refuse'],
    ['skipped', true, 'deliver'],
    ['ok', true, 'deliver'],
  ] as const)('with an engine that is %s, which it needs: %s: %s', async (status, needsEngines, release) => {
    const engines = [{ id: 'clamd', version: '', status, ms: 0 }];
    const { give, released } = setUp({ scanner: saying({ engines }), needsEngines });
    give(1, 'hello');
    await settle();
    expect(released.get(1)).toBe(release);
  });

  test('a spool on a full disk: it must not leave, and is counted as not scanned', async () => {
    const { give, released, outcomes } = setUp({ spoolWorks: false });
    give(1, 'hello');
    await settle();
    expect(released.get(1)).toBe('refuse');
    expect(outcomes).toEqual([{ outcome: 'not-scanned', detections: [], limits: ['spool-failed'] }]);
  });

  test('a scan that throws: it must not leave, and is counted as not scanned', async () => {
    const scan = async () => {
      throw new Error('broken');
    };
    const { give, released, outcomes } = setUp({ scanner: { ...wordScanner(), scan } });
    give(1, 'hello');
    await settle();
    expect(released.get(1)).toBe('refuse');
    expect(outcomes).toMatchObject([{ outcome: 'not-scanned', limits: ['scan-failed'] }]);
  });
});

describe('pieces of a message', () => {
  test('take over what was overwritten in the whole', async () => {
    const { give, text, outcomes } = setUp();
    give(1, 'head\r\n\r\na VIRUS here');
    await settle();
    give(2, 'a VIR', 1);
    give(3, 'US here', 1);
    await settle();
    expect(await text(2, 0, 5)).toBe('a ...');
    expect(await text(3, 0, 7)).toBe('.. here');
    expect(outcomes).toHaveLength(1);
  });

  test('that are not in the whole are scanned on their own', async () => {
    const { give, text, outcomes } = setUp();
    give(1, 'head\r\n\r\nbody');
    await settle();
    give(2, 'another VIRUS', 1);
    await settle();
    expect(await text(2, 0, 13)).toBe('another .....');
    expect(outcomes).toHaveLength(2);
  });
});

describe('giving up', () => {
  test('a dropped message is never released, and its spool goes', async () => {
    const { give, delivery, released, spools } = setUp();
    give(1, 'hello');
    delivery.drop(1);
    await settle();
    expect(released.size).toBe(0);
    expect(spools.live()).toBe(0);
  });

  test('stop drops all', async () => {
    const { give, delivery, released, spools } = setUp();
    give(1, 'hello');
    delivery.start({ message: 2, extent: 'whole' });
    delivery.stop();
    await settle();
    expect(released.size).toBe(0);
    expect(spools.live()).toBe(0);
  });
});

describe('slices of a section', () => {
  const mail = 'A: b\r\n\r\nsecond half, first half';
  const slice = (d: Delivery, message: number, pieceOf: number, octets: string, origin: number) => {
    d.start({ message, extent: 'slice', pieceOf, section: 'BODY[1]', origin });
    d.append(message, Buffer.from(octets));
    d.end(message);
  };
  const whole = (d: Delivery, message: number, octets: string, identity?: string) => {
    d.start({ message, extent: 'whole', identity });
    d.append(message, Buffer.from(octets));
    d.end(message);
  };

  test('leave as they follow in the scanned message, and no other way', async () => {
    const { delivery, released, outcomes } = setUp();
    whole(delivery, 1, mail);
    await settle();
    slice(delivery, 2, 1, 'second half, ', 0);
    await settle();
    slice(delivery, 3, 1, 'first half', 13);
    slice(delivery, 4, 1, 'second', 13);
    slice(delivery, 5, 1, 'nowhere', 0);
    await settle();
    expect([1, 2, 3, 4, 5].map((id) => released.get(id))).toEqual([
      'deliver',
      'deliver',
      'deliver',
      'refuse',
      'refuse',
    ]);
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['clean', 'not-scanned', 'not-scanned']);
  });

  test('are not put together from messages that the server calls the same and that differ', async () => {
    const { delivery, released } = setUp();
    whole(delivery, 1, mail, 'INBOX 1 7');
    await settle();
    slice(delivery, 2, 1, 'second half', 0);
    await settle();
    delivery.drop(2);
    delivery.drop(1);
    whole(delivery, 3, `${mail}!`, 'INBOX 1 7');
    whole(delivery, 4, mail, 'INBOX 1 7');
    whole(delivery, 5, `${mail}!`, 'INBOX 1 8');
    await settle();
    slice(delivery, 6, 4, 'first half', 0);
    await settle();
    expect([3, 4, 5, 6].map((id) => released.get(id))).toEqual(['refuse', 'deliver', 'deliver', 'refuse']);
  });

  test('and a probe must stand at its place', async () => {
    const { delivery, released } = setUp();
    whole(delivery, 1, mail);
    await settle();
    for (const [message, at] of [
      [2, 8],
      [3, 9],
    ] as const) {
      delivery.start({ message, extent: 'probe', pieceOf: 1, at });
      delivery.append(message, Buffer.from('second'));
      delivery.end(message);
    }
    await settle();
    expect([released.get(2), released.get(3)]).toEqual(['deliver', 'refuse']);
  });
});

describe('a large message while it arrives', () => {
  const mebibyte = 1024 * 1024;

  /** What a scanner is told of the messages that it follows, in order. */
  function following() {
    const told: string[] = [];
    let count = 0;
    const scanner: Scanner = {
      ...wordScanner(),
      follow: () => {
        const id = ++count;
        return {
          arrived: ({ length }) => told.push(`${id}: ${length / mebibyte}`),
          drop: () => told.push(`${id}: dropped`),
        };
      },
      async scan(source, options) {
        told.push(options?.followed ? 'scan, followed' : 'scan');
        return await wordScanner().scan(source, options);
      },
    };
    return { told, ...setUp({ scanner }) };
  }

  /** Half a mebibyte at a time. */
  function append(delivery: Delivery, id: number, halves: number): void {
    for (let i = 0; i < halves; i++) delivery.append(id, Buffer.alloc(mebibyte / 2));
  }

  test('the scanner works ahead on it, one step after the other, until it is scanned', async () => {
    const { delivery, told, released } = following();
    delivery.start({ message: 1, extent: 'whole', pieceOf: undefined });
    append(delivery, 1, 7);
    expect(told).toEqual(['1: 1.5', '1: 3']);
    delivery.end(1);
    await settle();
    expect(released.get(1)).toBe('deliver');
    expect(told.slice(2)).toEqual(['scan, followed', '1: dropped']);
  });

  test('small ones and parts are not followed', async () => {
    const { delivery, told } = following();
    delivery.start({ message: 1, extent: 'whole', pieceOf: undefined });
    append(delivery, 1, 2);
    delivery.start({ message: 2, extent: 'piece', pieceOf: undefined });
    append(delivery, 2, 7);
    for (const id of [1, 2]) delivery.end(id);
    await settle();
    expect(told).toEqual(['scan', 'scan']);
  });

  test('it is not followed any longer when it is dropped, or the connection is gone', () => {
    const { delivery, told } = following();
    for (const id of [1, 2]) {
      delivery.start({ message: id, extent: 'whole', pieceOf: undefined });
      append(delivery, id, 3);
    }
    delivery.drop(1);
    expect(told).toEqual(['1: 1.5', '2: 1.5', '1: dropped']);
    delivery.stop();
    expect(told.at(-1)).toBe('2: dropped');
  });
});
