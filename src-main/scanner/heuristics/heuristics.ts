// Judges what was looked into by what it is, what it is called and what was noticed in it. Each rule stands in
// docs/detections.md with its severity and the false alarms that it can raise.
import { documentRules } from './document-rules.ts';
import { mimeRules } from './mime-rules.ts';
import { nameRules } from './name-rules.ts';
import { programRules } from './program-rules.ts';
import type { Judgement, Subject } from './subject.ts';
import { webRules } from './web-rules.ts';

export type { Judgement, Subject } from './subject.ts';

/** What the rules say of `subject`. `harmful` needs content that does harm, never a name alone. */
export function judge(subject: Subject): readonly Judgement[] {
  return [nameRules, programRules, documentRules, webRules, mimeRules].flatMap((rules) => rules(subject));
}
