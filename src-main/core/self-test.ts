// The walk of all protocols through the real interception, with a mail server of our own at its end: what a person is
// shown who asks whether mail is scanned here.
import type { MailProtocol } from '../contract/connection.ts';
import { parsePortList } from '../contract/port-list.ts';
import type { MailTransportSettings, Settings } from '../contract/settings.ts';
import type { Availability, SelfTestStep } from '../contract/state.ts';
import type { Clock } from './ports.ts';
import { doorRoute, kernelRoute, type TestRoute, type TestRouteParts } from './test-route.ts';
import { startTestServer, type TestServer } from './test-server.ts';
import { type Path, type Problem, paths, stepsOf, TestConnection } from './test-steps.ts';

export interface SelfTestParts extends TestRouteParts {
  readonly settings: () => Pick<Settings, 'mailTransport' | 'response'>;
  readonly interception: () => Availability;
  /** The certificate of our root. */
  readonly rootPem: () => string;
  readonly clock: Clock;
}

export interface SelfTest {
  /** Walks once; gives each step when it ends. One walk runs at a time: another one begins behind it. */
  run(): AsyncGenerator<SelfTestStep>;
  /** Ends the walks. May be called twice. */
  stop(): void;
}

type Emit = (step: SelfTestStep) => void;

/** All of it happens on this machine: what takes longer is stuck. */
const stepMs = 5_000;

const offDetail = 'switched off by the settings';
const unchangedDetail = 'by the settings, what is infected is delivered unchanged';

const firstPort = (list: string) => {
  const parsed = parsePortList(list);
  return parsed.ok ? parsed.ranges[0]?.from : undefined;
};

/** A port on which a protocol is intercepted; undefined: it is not, by the settings. */
function portOf(mail: MailProtocol, settings: MailTransportSettings): number | undefined {
  if (!settings.enabled) return undefined;
  switch (mail) {
    case 'imap':
      return settings.scanImap ? 143 : undefined;
    case 'pop3':
      return settings.scanPop3 ? 110 : undefined;
    case 'imaps':
      return settings.scanImaps ? firstPort(settings.imapsPorts) : undefined;
    case 'pop3s':
      return settings.scanPop3s ? firstPort(settings.pop3sPorts) : undefined;
  }
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? String(error.code) : error.message;
}

function detailOf(...details: readonly (string | undefined)[]): { detail?: string } {
  const known = details.filter((detail) => detail !== undefined);
  return known.length === 0 ? {} : { detail: known.join('; ') };
}

function skip(
  emit: Emit,
  protocol: SelfTestStep['protocol'],
  steps: Iterable<SelfTestStep['step']>,
  detail: string,
) {
  for (const step of steps) emit({ protocol, step, outcome: 'skipped', ms: 0, detail });
}

/** Runs one step within its time. */
async function timed(
  clock: Clock,
  walkSignal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Problem>,
): Promise<{ readonly problem: Problem; readonly ms: number }> {
  const startMs = clock.now().getTime();
  const limit = new AbortController();
  const signal = AbortSignal.any([limit.signal, walkSignal]);
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(new Error(`nothing came within ${stepMs / 1_000} s`));
  signal.addEventListener('abort', onAbort, { once: true });
  const cancel = clock.after(stepMs, () => limit.abort());
  let problem: Problem;
  try {
    problem = await Promise.race([work(signal), aborted]);
  } catch (error) {
    problem = wordsOf(error);
  }
  cancel();
  signal.removeEventListener('abort', onAbort);
  return { problem, ms: clock.now().getTime() - startMs };
}

/** Whether a connection comes through the kernel; tells of it. */
async function walkKernel(
  parts: SelfTestParts,
  route: TestRoute,
  server: TestServer,
  port: number,
  emit: Emit,
  signal: AbortSignal,
): Promise<boolean> {
  const { problem, ms } = await timed(parts.clock, signal, async (stepSignal) => {
    const { state, reason, detail } = parts.interception();
    if (state !== 'active') return [state, reason, detail].filter((word) => word !== undefined).join(': ');
    const target = { server: server.endpoint('imap'), ca: server.ca };
    (await route.open(port, target, stepSignal)).destroy();
    return undefined;
  });
  const outcome = problem === undefined ? 'passed' : 'failed';
  emit({ protocol: 'kernel', step: 'redirect', outcome, ms, ...detailOf(problem) });
  return problem === undefined;
}

interface PathWalk {
  readonly parts: SelfTestParts;
  readonly path: Path;
  readonly connection: TestConnection;
  /** The redirect is another's work, or a door's of our own. */
  readonly byKernel: boolean;
  readonly emit: Emit;
  readonly signal: AbortSignal;
}

async function walkPath({ parts, path, connection, byKernel, emit, signal }: PathWalk): Promise<void> {
  const { protocol } = path;
  const isUnchanged = parts.settings().response.delivery === 'unchanged';
  const steps = stepsOf(path)[Symbol.iterator]();
  for (const step of steps) {
    const { problem, ms } = await timed(parts.clock, signal, (stepSignal) =>
      connection.run(step, stepSignal),
    );
    // What came by the door proves nothing of the redirect.
    const passed = step === 'redirect' && !byKernel ? 'skipped' : 'passed';
    emit({
      protocol,
      step,
      outcome: problem === undefined ? passed : 'failed',
      ms,
      ...detailOf(
        problem,
        byKernel ? undefined : 'without the kernel',
        step === 'test-virus' && isUnchanged ? unchangedDetail : undefined,
      ),
    });
    if (problem === undefined) continue;
    skip(emit, protocol, steps, 'an earlier step failed');
    connection.destroy();
    return;
  }
  await timed(parts.clock, signal, (stepSignal) => connection.leave(stepSignal));
  connection.destroy();
}

async function walk(parts: SelfTestParts, emit: Emit, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const settings = parts.settings().mailTransport;
  const ports = paths.map((path) => ({ path, port: portOf(path.mail, settings) }));
  const kernelPort = ports.find(({ port }) => port !== undefined)?.port;
  if (kernelPort === undefined) {
    skip(emit, 'kernel', ['redirect'], offDetail);
    for (const path of paths) skip(emit, path.protocol, stepsOf(path), offDetail);
    return;
  }
  const server = await startTestServer({ random: parts.random, now: parts.clock.now });
  let route = kernelRoute(parts);
  try {
    const byKernel = await walkKernel(parts, route, server, kernelPort, emit, signal);
    if (!byKernel) route = await doorRoute(parts);
    for (const { path, port } of ports) {
      if (signal.aborted) return;
      if (port === undefined) {
        skip(emit, path.protocol, stepsOf(path), offDetail);
        continue;
      }
      const connection = new TestConnection({ path, port, server, route, rootPem: parts.rootPem() });
      await walkPath({ parts, path, connection, byKernel, emit, signal });
    }
  } finally {
    route.close();
    server.stop();
  }
}

export function createSelfTest(parts: SelfTestParts): SelfTest {
  const stopped = new AbortController();
  let last: Promise<unknown> = Promise.resolve();

  return {
    async *run() {
      const ended: SelfTestStep[] = [];
      let wake: () => void = () => undefined;
      let isOver = false;
      const emit: Emit = (step) => {
        ended.push(step);
        wake();
      };
      const left = new AbortController();
      const signal = AbortSignal.any([left.signal, stopped.signal]);
      // It goes on while nobody takes its steps: whoever asks slowly keeps no other one waiting.
      const walking = last.then(() => walk(parts, emit, signal));
      last = walking
        .catch(() => undefined)
        .then(() => {
          isOver = true;
          wake();
        });
      try {
        while (!isOver || ended.length > 0) {
          const step = ended.shift();
          if (step) {
            yield step;
            continue;
          }
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
        await walking;
      } finally {
        left.abort();
      }
    },
    stop() {
      stopped.abort();
    },
  };
}
