// The kernel's redirect as a way of interception: keeps the helper's tables at what is planned, tests that connections do
// come through, and tries again what did not. Knows nothing of mail.
import { networkInterfaces } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { addressInRanges, loopbackRanges } from '../../contract/address-list.ts';
import type { ConnectionOwner, Endpoint } from '../../contract/connection.ts';
import type { ErrorCode } from '../../contract/error-codes.ts';
import type { Availability, Remark } from '../../contract/state.ts';
import {
  type ConnectionHandler,
  type DirectConnection,
  type InterceptionBackend,
  type InterceptionPlan,
  type InterceptionState,
  type SocketHolder,
  upstreamSourcePorts,
} from '../backend.ts';
import { listConnections } from './direct-connections.ts';
import type { HelperRoute, LinkFailure } from './helper-link.ts';
import { HelperTables } from './helper-tables.ts';
import { deniedOf, foundKey } from './kernel-elements.ts';
import { createKernelTest, type KernelTest } from './kernel-test.ts';
import { currentAddresses, hasGlobalIpv6, watchNetwork } from './network-watch.ts';
import { openRedirectListeners, type RedirectListeners } from './redirect-listeners.ts';

export interface NetfilterOptions {
  /** Effective user of this process. */
  readonly uid: number;
  /** How the helper is reached; undefined: there is none. Looked up each time. */
  readonly route: () => HelperRoute | undefined;
  readonly onConnection: ConnectionHandler;
  /** What changed by itself, outside of `start`, `apply` and `retry`. */
  readonly onStateChange: (state: InterceptionState) => void;
  /** The program that connects `local` to `remote`, both as it sees them. */
  readonly findOwner: (local: Endpoint, remote: Endpoint) => Promise<ConnectionOwner | undefined>;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Milliseconds on a clock that only goes forward. */
  readonly now?: () => number;
  readonly kernelTest?: KernelTest;
  readonly interfaces?: typeof networkInterfaces;
  readonly procRoot?: string;
}

/** Waits before the helper is started again after it was lost. */
const restartMs = [200, 1_000, 5_000];

/** Lost more often than `restartMs` is long within this time, it stays away for `lookMs`: somebody ends it on purpose. */
const lossWindowMs = 10 * 60_000;

/** Waits before a redirect that did not stand its test is tried again; the last one again and again. */
const retestMs = [10_000, 30_000, 60_000, 300_000];

/** A firewall that is switched on later shows at the next look; what is unavailable is tried again. */
const lookMs = 5 * 60_000;

/** A test is made twice before it counts: this machine may stand still for a second. */
const testTries = 2;

const reasons: Readonly<Record<LinkFailure['reason'], ErrorCode>> = {
  missing: 'helper-missing',
  denied: 'helper-denied',
  outdated: 'helper-outdated',
  lost: 'helper-failed',
  closed: 'helper-failed',
  malformed: 'helper-failed',
  silence: 'helper-failed',
  'not-open': 'helper-failed',
  'not-allowed': 'helper-failed',
  'no-privilege': 'no-privilege',
  'no-nft': 'no-nft',
  'nft-failed': 'nft-failed',
  'table-taken': 'table-taken',
  'system-core-running': 'system-core-running',
  'port-denied': 'port-denied',
};

const unavailable = (reason: ErrorCode, detail?: string): Availability => ({
  state: 'unavailable',
  reason,
  ...(detail === undefined ? {} : { detail }),
});

const failed = ({ reason, detail }: LinkFailure): Availability => unavailable(reasons[reason], detail);

const off: Availability = { state: 'off', reason: 'protection-off' };

const noPlan: InterceptionPlan = {
  enabled: false,
  ports: [],
  localPorts: [],
  excluded: [],
  detect: [],
  found: [],
  blockWhenStopped: false,
  blockChosen: false,
};

class Netfilter implements InterceptionBackend {
  readonly #options: NetfilterOptions;
  readonly #now: () => number;
  readonly #tables: HelperTables;
  readonly #test: KernelTest;
  readonly #interfaces: typeof networkInterfaces;
  readonly #stopping = new AbortController();
  readonly #looking: NodeJS.Timeout;
  readonly #unwatch: () => void;
  /** One operation at a time, in the order of the calls. */
  #queue: Promise<unknown> = Promise.resolve();
  #listeners: RedirectListeners | undefined;
  #wanted = noPlan;
  #state: InterceptionState = { availability: { state: 'off' }, remarks: [] };
  /** Whether the kernel refuses mail in our absence; undefined: what an earlier core left there is not known. */
  #blocks: boolean | undefined;
  /** Tests in a row that the redirect did not stand: it is away, and `#retest` will try it again. */
  #failedTests = 0;
  #retest: NodeJS.Timeout | undefined;
  #lossesAtMs: number[] = [];
  #restart: NodeJS.Timeout | undefined;

  constructor(options: NetfilterOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
    this.#test = options.kernelTest ?? createKernelTest();
    this.#interfaces = options.interfaces ?? networkInterfaces;
    this.#tables = new HelperTables({
      route: options.route,
      onLost: (problem) => this.#lost(problem),
      now: () => new Date(),
    });
    this.#unwatch = watchNetwork({
      onChange: () => void this.#lookAgain(),
      addresses: () => currentAddresses(this.#interfaces),
    });
    this.#looking = setInterval(() => void this.#lookAgain(), lookMs).unref();
  }

  prepare(): void {
    void this.#enqueue(() => this.#tables.prepare());
  }

  start(plan: InterceptionPlan): Promise<InterceptionState> {
    return this.apply(plan);
  }

  apply(plan: InterceptionPlan): Promise<InterceptionState> {
    return this.#enqueue(async () => {
      this.#wanted = plan;
      return await this.#reconcile();
    });
  }

  retry(): Promise<InterceptionState> {
    return this.#enqueue(async () => {
      this.#lossesAtMs = [];
      this.#tables.forgetDenial();
      return await this.#reconcile({ again: true });
    });
  }

  refuse(endpoint: Endpoint, ttlSeconds: number): Promise<void> {
    return this.#enqueue(async () => {
      if (this.#wanted.enabled) await this.#tables.refuse(endpoint, ttlSeconds);
    });
  }

  admit(endpoint: Endpoint): Promise<void> {
    return this.#enqueue(async () => await this.#tables.refuse(endpoint, undefined));
  }

  async directConnections(
    known: (connection: DirectConnection) => boolean,
  ): Promise<readonly DirectConnection[]> {
    const { held, hello } = this.#tables;
    if (!held || !hello) return [];
    const isMail = (remote: Endpoint) => {
      const isListed = held.ranges.ports.some(({ from, to }) => from <= remote.port && remote.port <= to);
      const key = isListed ? undefined : foundKey(remote);
      return isListed || (key !== undefined && held.found.has(key));
    };
    const isUpstream = (uid: number, { port }: Endpoint) =>
      uid === this.#options.uid && port >= upstreamSourcePorts.from && port <= upstreamSourcePorts.to;
    const left = [...loopbackRanges, ...this.#wanted.excluded];
    return (await listConnections(this.#options.procRoot)).filter(
      ({ uid, local, remote }) =>
        (hello.user === 'all' || uid === hello.user) &&
        isMail(remote) &&
        !isUpstream(uid, local) &&
        !addressInRanges(remote.address, left) &&
        !known({ local, remote }),
    );
  }

  endDirect(connections: readonly DirectConnection[]): Promise<number> {
    return this.#enqueue(async () => await this.#tables.end(connections));
  }

  async ownerOf(inode: number, uid: number): Promise<SocketHolder | undefined> {
    return await this.#tables.ownerOf(inode, uid);
  }

  release(): Promise<void> {
    return this.#enqueue(async () => {
      // Empty sets would let mail pass where it is to be blocked: there nobody is accepted any more.
      if (this.#wanted.blockWhenStopped) this.#listeners?.close();
      else {
        this.#wanted = { ...noPlan, enabled: this.#wanted.enabled };
        await this.#tables.update(this.#wanted);
      }
    });
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    this.#unwatch();
    clearInterval(this.#looking);
    clearTimeout(this.#restart);
    return this.#enqueue(async () => {
      clearTimeout(this.#retest);
      await this.#tables.stop();
      this.#listeners?.close();
      this.#listeners = undefined;
    });
  }

  #enqueue<Result>(operation: () => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(operation);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** Brings the kernel to what is wanted, from whatever there is. `again`: what failed is tried, what stands is tested. */
  async #reconcile({ again = false } = {}): Promise<InterceptionState> {
    if (this.#stopping.signal.aborted)
      return { availability: { state: 'off', reason: 'intercept-off' }, remarks: [] };
    const brought = await this.#bring(again);
    // The helper may have been lost since its last answer.
    const isLost = brought.state === 'active' && !this.#tables.held;
    const availability = isLost ? this.#state.availability : brought;
    this.#state = { availability, remarks: await this.#remarks(availability) };
    return this.#state;
  }

  async #bring(again: boolean): Promise<Availability> {
    const { enabled, blockChosen, blockWhenStopped } = this.#wanted;
    if (!enabled) {
      this.#forgetFailedTests();
      // Where mail was to be blocked, the block of a core that is gone may still stand.
      const mayBlock = this.#blocks ?? blockChosen;
      const failure = this.#tables.held
        ? await this.#tables.update(this.#wanted)
        : mayBlock
          ? await this.#tables.close(false)
          : undefined;
      if (failure) return failed(failure);
      if (mayBlock) this.#blocks = false;
      return off;
    }
    // The redirect is away until its next test; whether mail is refused meanwhile is brought at once.
    if (this.#failedTests > 0 && !again && this.#blocks === blockWhenStopped) return this.#state.availability;
    // IPv6 that was not there at the start is redirected by a new table alone.
    if (again && hasGlobalIpv6(this.#interfaces) && (await this.#listeners?.addIpv6()))
      await this.#tables.close(this.#wanted.blockWhenStopped);
    if (this.#tables.held) {
      const failure = await this.#tables.update(this.#wanted);
      if (!failure) {
        this.#blocks = blockWhenStopped;
        return again ? await this.#tested() : { state: 'active' };
      }
      this.#options.log('helper-refused', { reason: failure.reason, detail: failure.detail });
    }
    return (await this.#setUp()) ?? (await this.#tested());
  }

  async #setUp(): Promise<Availability | undefined> {
    if (!this.#listeners) {
      const { onConnection, findOwner, log } = this.#options;
      const opened = await openRedirectListeners({
        onConnection,
        findOwner,
        take: this.#test.take,
        onlyUser: () => {
          const user = this.#tables.hello?.user;
          return user === 'all' ? undefined : user;
        },
        log,
      });
      if (!opened.ok) return unavailable(opened.reason, opened.detail);
      this.#listeners = opened.listeners;
    }
    const failure = await this.#tables.open(this.#listeners, this.#wanted);
    if (failure) return failed(failure);
    this.#blocks = this.#wanted.blockWhenStopped;
    return undefined;
  }

  /** Tests the redirect that stands; one that does not work is taken away, and tried again later. */
  async #tested(): Promise<Availability> {
    const port = Number(this.#tables.held?.ranges.ports.at(0)?.from ?? 0);
    const families =
      this.#listeners?.ipv6 && hasGlobalIpv6(this.#interfaces) ? ([4, 6] as const) : ([4] as const);
    for (const family of port === 0 ? [] : families) {
      let result = await this.#test.run(family, port, this.#wanted.excluded);
      for (let tries = 1; tries < testTries && result.kind === 'failed'; tries++)
        result = await this.#test.run(family, port, this.#wanted.excluded);
      if (result.kind !== 'passed') this.#options.log('self-test', { family, ...result });
      if (result.kind !== 'failed' && result.kind !== 'refused') continue;
      await this.#tables.close(this.#wanted.blockWhenStopped);
      clearTimeout(this.#retest);
      const waitMs = retestMs[Math.min(this.#failedTests, retestMs.length - 1)];
      this.#retest = setTimeout(() => void this.#lookAgain(), waitMs).unref();
      this.#failedTests++;
      const detail = result.kind === 'failed' ? result.detail : 'it was refused: a firewall';
      return unavailable('self-test-failed', `IPv${family}: ${detail}`);
    }
    this.#forgetFailedTests();
    return { state: 'active' };
  }

  #forgetFailedTests(): void {
    clearTimeout(this.#retest);
    this.#failedTests = 0;
  }

  async #remarks(availability: Availability): Promise<Remark[]> {
    const { hello, held, seesGreetings } = this.#tables;
    const { detect, blockChosen, excluded, ports } = this.#wanted;
    const denied = hello && deniedOf(this.#wanted, hello.denied);
    const isBlocked = async () => {
      const port = ports.at(0)?.from;
      if (!blockChosen || port === undefined || availability.state !== 'unavailable') return false;
      return (await this.#test.run(4, port, excluded)).kind === 'refused';
    };
    return [
      ...(denied ? [{ code: 'port-denied' as const, detail: denied }] : []),
      ...(held && !seesGreetings && detect.length > 0 ? [{ code: 'greetings-unseen' as const }] : []),
      ...((await isBlocked()) ? [{ code: 'mail-blocked' as const }] : []),
    ];
  }

  /** After a change of network, and now and then: what stands is tested, what does not is tried again. */
  async #lookAgain(): Promise<void> {
    await this.#enqueue(async () => {
      if (this.#stopping.signal.aborted || !this.#wanted.enabled) return;
      const before = this.#state;
      const state = await this.#reconcile({ again: true });
      if (!isDeepStrictEqual(state, before)) this.#options.onStateChange(state);
    });
  }

  #lost(problem: LinkFailure): void {
    const { reason, detail } = problem;
    this.#options.log('helper-lost', { reason, detail });
    this.#state = { availability: failed(problem), remarks: [] };
    this.#options.onStateChange(this.#state);
    // One whose redirect does not stand is started for the next test.
    if (this.#failedTests === 0) this.#startSoon();
  }

  #startSoon(): void {
    const nowMs = this.#now();
    this.#lossesAtMs = [...this.#lossesAtMs.filter((atMs) => nowMs - atMs < lossWindowMs), nowMs];
    const waitMs = restartMs[this.#lossesAtMs.length - 1];
    clearTimeout(this.#restart);
    if (waitMs !== undefined) {
      this.#restart = setTimeout(() => void this.#startAgain(), waitMs).unref();
      return;
    }
    this.#options.log('helper-given-up', { losses: this.#lossesAtMs.length });
    void this.#enqueue(async () => {
      const { availability } = this.#state;
      const remarks = await this.#remarks(availability);
      if (remarks.length === 0 || this.#stopping.signal.aborted) return;
      this.#state = { availability, remarks };
      this.#options.onStateChange(this.#state);
    });
  }

  async #startAgain(): Promise<void> {
    const state = await this.#enqueue(() => this.#reconcile());
    if (this.#stopping.signal.aborted) return;
    this.#options.onStateChange(state);
    // One that does not come up again is as good as lost again.
    if (state.availability.reason === 'helper-failed') this.#startSoon();
  }
}

/** Interception by a redirect in the kernel, for whom the helper may cover; needs the helper and nft. */
export function createNetfilterBackend(options: NetfilterOptions): InterceptionBackend {
  return new Netfilter(options);
}
