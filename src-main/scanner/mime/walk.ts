// What a walk through a message finds: the places where content begins and ends, and what lies between them.
import type { LimitCode } from '../../contract/verdict.ts';
import type { Anomaly } from './anomalies.ts';
import type { Encodings } from './header.ts';

/** A stretch of octets that belongs to the structure: a header block or a boundary line. */
export interface Span {
  readonly kind: 'header' | 'boundary';
  readonly start: number;
  readonly end: number;
}

/** How content is written: as its header says, or as its shape says. */
export type Writing =
  | ({ readonly kind: 'declared' } & Encodings)
  | { readonly kind: 'base64-shape' | 'uuencode' | 'yenc' | 'utf-16' };

/** A place where content begins, with the places where it may end, nearest first. */
export interface Start {
  readonly path: string;
  /** All readings of its names, the likeliest first, without doubles. Bidirectional controls stay in them. */
  readonly names: readonly string[];
  readonly writing: Writing;
  readonly start: number;
  readonly ends: readonly number[];
}

export interface Walk {
  readonly starts: readonly Start[];
  /** In order, without overlaps. */
  readonly spans: readonly Span[];
  readonly parts: number;
  readonly limits: ReadonlySet<LimitCode>;
  readonly anomalies: ReadonlySet<Anomaly>;
}

export interface WalkLimits {
  readonly mimeDepth: number;
  readonly mimeParts: number;
  readonly headerBytes: number;
}
