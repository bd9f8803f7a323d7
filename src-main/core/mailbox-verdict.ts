// One verdict on a whole mailbox file, out of those on its messages.
import { hash } from 'node:crypto';
import {
  type Detection,
  type EngineReport,
  type LimitCode,
  type Note,
  outcomeOf,
  type Verdict,
} from '../contract/verdict.ts';

/** Detections and notes of one mailbox that are named: a list that somebody still reads. */
const maxNamed = 1_000;

/** `3/2/x.exe` in the third message. */
function placed<Named extends { readonly part: string }>(named: readonly Named[], message: number): Named[] {
  return named.map((each) => ({
    ...each,
    part: each.part === '' ? `${message}` : `${message}/${each.part}`,
  }));
}

export interface MailboxVerdict {
  /** `message`: its number, from 1 on. */
  add(verdict: Verdict, message: number): void;
  /** Of all so far. Its SHA-256 is one over those of the messages. */
  verdict(): Verdict;
}

export function createMailboxVerdict(): MailboxVerdict {
  const detections: Detection[] = [];
  const notes: Note[] = [];
  const limits = new Set<LimitCode>();
  const engines = new Map<string, EngineReport>();
  const hashes: string[] = [];
  let sum = { bytes: 0, parts: 0, ms: 0 };

  function addEngine(report: EngineReport): void {
    const before = engines.get(report.id);
    // What went wrong with one message is worth more than that others went well.
    const status = before === undefined || before.status === 'ok' ? report.status : before.status;
    engines.set(report.id, { ...report, status, ms: (before?.ms ?? 0) + report.ms });
  }

  return {
    add(verdict, message) {
      detections.push(...placed(verdict.detections, message).slice(0, maxNamed - detections.length));
      notes.push(...placed(verdict.notes, message).slice(0, maxNamed - notes.length));
      for (const code of verdict.limits) limits.add(code);
      for (const report of verdict.engines) addEngine(report);
      hashes.push(verdict.sha256);
      const { bytes, parts, ms } = verdict;
      sum = { bytes: sum.bytes + bytes, parts: sum.parts + parts, ms: sum.ms + ms };
    },
    verdict() {
      const complete = limits.size === 0;
      return {
        outcome: outcomeOf(detections, complete),
        complete,
        detections,
        notes,
        engines: [...engines.values()],
        limits: [...limits],
        sha256: hash('sha256', hashes.join('\n')),
        ...sum,
      };
    },
  };
}
