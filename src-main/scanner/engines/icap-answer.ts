// What an ICAP server's response says of what it was sent (RFC 3507 §4.8.3; draft-stecher-icap-subid-00 for the fields
// that name a threat).
import type { IcapResponse } from './icap-response.ts';
import type { RemoteAnswer } from './remote-engine.ts';
import { answerFor, detailOf } from './threat-name.ts';

/** For what a server changed without a word. */
const unnamed = 'Icap.Blocked';

/** The name of a threat; undefined: the response names none. */
function threatOf(fields: IcapResponse['fields']): string | undefined {
  const infection = fields.get('x-infection-found');
  if (infection) return /(?:^|;)\s*Threat=([^;]+)/i.exec(infection)?.[1] ?? unnamed;
  const virus = fields.get('x-virus-id');
  if (virus) return virus;
  const violations = fields.get('x-violations-found');
  // The number of them; then, in lines of its own for each, the file, the threat, and two numbers.
  if (violations && Number.parseInt(violations, 10) !== 0) return violations.split('\n')[2] ?? unnamed;
  return undefined;
}

export interface IcapExchange {
  readonly response: IcapResponse;
  /** Whether the server had all of it before it answered. */
  readonly isWhole: boolean;
  /** Whether its body is the octets that it was sent; asked only where that matters. */
  readonly isSame: () => Promise<boolean>;
}

export async function answerOf({ response, isWhole, isSame }: IcapExchange): Promise<RemoteAnswer> {
  const { status, fields, httpStatus, hasBody } = response;
  const threat = threatOf(fields);
  if (threat !== undefined) return answerFor(threat);
  // After a preview alone: it does not look into what is so large, or of this kind (c-icap's MaxObjectSize and
  // ScanFileTypes), and does not say which.
  if (status === 204) return isWhole ? { kind: 'clean' } : { kind: 'skipped', detail: 'preview' };
  if (status !== 200) return { kind: 'failed', detail: `icap ${status}` };
  if (!fields.has('encapsulated')) return { kind: 'failed', detail: 'answer' };
  const isKept = hasBody && (httpStatus === undefined || httpStatus === 200) && (await isSame());
  return isKept ? { kind: 'clean' } : answerFor(unnamed);
}

/** The version of a service: its ISTag changes with its signatures (RFC 3507 §4.7). */
export function versionOf({ fields }: IcapResponse): string | undefined {
  const tag = fields.get('istag')?.replace(/^"(.*)"$/, '$1');
  return tag === undefined ? undefined : detailOf(tag);
}
