// What the summaries and their worker say to each other.
import type { MessageSummary } from './message-summary.ts';

export interface SummaryOrder {
  readonly id: number;
  readonly bytes: Uint8Array;
}

export interface SummaryAnswer {
  readonly id: number;
  readonly summary: MessageSummary;
}
