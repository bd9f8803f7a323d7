// What the helper does from its first line to its last: reads requests, refuses what is against its rules, answers, and ends
// when the core is gone, silent, or no core. It knows nothing of who started it.

import type {
  Elements,
  HelperLine,
  HelperOutcome,
  HelperRequest,
} from '../../interception/linux/helper-messages.ts';
import { maxLineBytes, silenceMs } from '../../interception/linux/helper-messages.ts';
import type { HelperProblem } from '../../interception/linux/helper-problems.ts';
import { readRequest } from '../../interception/linux/helper-request.ts';
import type { Scope } from '../../interception/linux/nft-script.ts';
import type { Tables } from '../../interception/linux/nft-tables.ts';
import { endConnections, type Run } from './connections.ts';
import { readLines } from './lines.ts';
import type { AnswerOwner } from './owners.ts';

/** Silence is counted in looks, so that time in which this process itself stood still isn't held against the core. */
const looks = 10;

export type HelperEnd = Extract<HelperLine, { end: HelperProblem }>;

type Numbered = Extract<HelperRequest, { id: number }>;

export interface HelperOptions {
  readonly scope: Scope;
  readonly tables: Tables;
  readonly run: Run;
  /** Absent where whose sockets are is nobody's to ask. */
  readonly answerOwner: AnswerOwner | undefined;
  readonly input: AsyncIterable<Uint8Array>;
  readonly say: (line: HelperLine) => void;
  /** Settles when the helper is to end for another reason than its input: nft is lost, or it is told to. */
  readonly ended: Promise<HelperEnd>;
}

/** Refuses a port that is never redirected, among those that are asked for. */
function refusalOf({ denied }: Scope, ...asked: readonly (Elements | boolean)[]): HelperOutcome | undefined {
  const all = asked.filter((elements) => typeof elements !== 'boolean');
  const ranges = all.flatMap(({ ports = [], bridges = [] }) => [...ports, ...bridges]);
  const found = all.flatMap(({ found4 = [], found6 = [] }) => [...found4, ...found6]).map(([, port]) => port);
  const port = denied.find((each) => found.includes(each) || ranges.some(([a, b]) => a <= each && each <= b));
  return port === undefined ? undefined : { ok: false, reason: 'port-denied', detail: `${port}` };
}

async function outcomeOf(request: Numbered, { scope, tables, run }: HelperOptions): Promise<HelperOutcome> {
  switch (request.do) {
    case 'open':
      return refusalOf(scope, request.add) ?? (await tables.open(request));
    case 'change':
      return refusalOf(scope, request.add, request.block) ?? (await tables.change(request));
    case 'close':
      return await tables.close(request);
    case 'end':
      return { ok: true, answer: { ended: await endConnections(scope.user, request.connections, run) } };
    case 'owner':
      return { ok: false, reason: 'not-allowed' };
  }
}

/** Serves the core until it is gone; afterwards no redirect stands. Answers why it ended. */
export async function serve(options: HelperOptions): Promise<HelperEnd> {
  const { input, say, answerOwner } = options;
  const silence = Promise.withResolvers<HelperEnd>();
  /** Looks since the last line; while a request is being done there are none. */
  let quietLooks: number | undefined = 0;
  const timer = setInterval(() => {
    if (quietLooks !== undefined && ++quietLooks > looks) silence.resolve({ end: 'silence' });
  }, silenceMs / looks);
  const read = async (): Promise<HelperEnd> => {
    for await (const line of readLines(input, maxLineBytes)) {
      if (line === undefined) return { end: 'malformed', detail: 'length' };
      const read = readRequest(line);
      if (!read.ok) return { end: 'malformed', detail: read.problem };
      quietLooks = undefined;
      const { request } = read;
      if (request.do === 'owner' && answerOwner) await answerOwner(request);
      else if (request.do !== 'alive') say({ id: request.id, ...(await outcomeOf(request, options)) });
      quietLooks = 0;
    }
    return { end: 'closed' };
  };
  const end = await Promise.race([read(), silence.promise, options.ended]);
  clearInterval(timer);
  await options.tables.end();
  return end;
}
