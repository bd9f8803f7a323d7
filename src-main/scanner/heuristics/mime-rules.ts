// Rules about the structure of messages: each anomaly is a note on the message as a whole.
import type { Anomaly } from '../mime/anomalies.ts';
import type { Judgement, Subject } from './subject.ts';

/** `Postern.Mime.DuplicateContentType` of `duplicate-content-type`. */
export function anomalyName(anomaly: Anomaly): string {
  const words = anomaly.split('-').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `Postern.Mime.${words.join('')}`;
}

export function mimeRules({ around, anomalies }: Subject): readonly Judgement[] {
  if (around.length > 0 || anomalies.size === 0) return [];
  return [...anomalies].map((anomaly) => ({
    name: anomalyName(anomaly),
    severity: 'note',
    group: 'heuristics',
  }));
}
