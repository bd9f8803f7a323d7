// What is wrong with what was typed, in words. The contract gives the kind and the piece.
import type { AddressProblem } from '../../src-main/contract/address-list.ts';
import {
  type ApplicationProblem,
  maxApplicationRuleLength,
} from '../../src-main/contract/application-rule.ts';
import { assertNever } from '../../src-main/contract/assert-never.ts';
import type { PortListProblem } from '../../src-main/contract/port-list.ts';
import { maxSubjectTextLength } from '../../src-main/contract/subject-text.ts';
import type { RuleProblem } from '../dialogs/certificate-rule-form.ts';
import type { Say } from '../i18n.ts';
import type { FieldProblem } from '../state/draft-store.ts';

/** Enough of a wrong piece to know it by. */
const maxPieceLength = 60;

function shortened(piece: string): string {
  return piece.length > maxPieceLength ? `${piece.slice(0, maxPieceLength)}…` : piece;
}

function portProblemText(say: Say, problem: PortListProblem): string {
  if (problem.kind === 'too-many') return say('problem.port.too-many', { limit: problem.limit });
  if (problem.piece === '') return say('problem.port.empty-piece');
  return say(`problem.port.${problem.kind}`, { piece: shortened(problem.piece) });
}

/** For a field of a settings page. */
export function fieldProblemText(say: Say, problem: FieldProblem): string {
  switch (problem.field) {
    case 'ports':
      return portProblemText(say, problem.problem);
    case 'subject-text':
      return say(`problem.subject-text.${problem.problem}`, { limit: maxSubjectTextLength });
    case 'number':
      return say('problem.number', { least: problem.least, most: problem.most });
    case 'clamd':
    case 'icap':
      return say(`problem.${problem.field}`);
    default:
      return assertNever(problem);
  }
}

export function addressProblemText(say: Say, problem: AddressProblem): string {
  if (problem.text === '') return say('problem.address.empty');
  return say(`problem.address.${problem.kind}`, { text: shortened(problem.text) });
}

export function applicationProblemText(say: Say, problem: ApplicationProblem): string {
  return say(`problem.application.${problem}`, { limit: maxApplicationRuleLength });
}

export function ruleProblemText(say: Say, problem: RuleProblem): string {
  return say(
    `problem.certificate-rule.${problem.kind}`,
    problem.kind === 'too-long' ? { limit: problem.limit } : {},
  );
}
