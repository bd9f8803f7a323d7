// The kernel's redirect as a way of interception: holds the nft table, changes its sets, and hands on what arrives on the
// listeners behind it. As root it covers the connections of all users. Knows nothing of mail.
import type { Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { ConnectionOwner, Endpoint } from '../../contract/connection.ts';
import type { Availability } from '../../contract/state.ts';
import { type Listener, listen } from '../accepting.ts';
import {
  type ConnectionHandler,
  type InterceptionBackend,
  type InterceptionPlan,
  upstreamSourcePorts,
} from '../backend.ts';
import { change, creation, emptySets, type KernelSets, setsOf } from './nft-script.ts';
import { type NftSession, openNftSession } from './nft-session.ts';
import { type OriginalDestination, openOriginalDestination } from './original-destination.ts';
import { probe } from './probe.ts';
import { type ReservedPorts, reservePorts } from './reserved-ports.ts';

export interface NetfilterOptions {
  /** Effective user of this process; only root (0) can hold the table. */
  readonly uid: number;
  /** The nft program, instead of a search in /usr/sbin, /sbin and `searchPath` (folders as in PATH). */
  readonly nftPath?: string | undefined;
  readonly searchPath?: string | undefined;
  readonly onConnection: ConnectionHandler;
  /** What changed by itself, outside of `start` and `apply`: nft was lost, or is back. */
  readonly onStateChange: (availability: Availability) => void;
  /** The program that connects `local` to `remote`, both as it sees them. */
  readonly findOwner: (local: Endpoint, remote: Endpoint) => Promise<ConnectionOwner | undefined>;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Milliseconds on a clock that only goes forward. */
  readonly now?: () => number;
  /** The sysctl of the ports that the kernel gives to nobody by chance. */
  readonly reservedPortsPath?: string;
}

/** A table of a core that was just killed lives for up to 0.2 s and keeps its name. */
const createRetryMs = [100, 300];

/** Waits before nft is started again after it was lost. */
const restartMs = [200, 1_000, 5_000];

/** Lost more often than `restartMs` is long within this time, it stays away: somebody ends it on purpose. */
const lossWindowMs = 10 * 60_000;

/** Tries for a random port that is free on 127.0.0.1 and on ::1. */
const portTries = 10;

/** What stays while nft comes and goes. */
interface Ground {
  readonly nftPath: string;
  readonly port: number;
  readonly ipv6: boolean;
  readonly listeners: readonly Listener[];
  readonly originalDestination: OriginalDestination;
  readonly reserved: ReservedPorts;
}

const unavailable = (reason: NonNullable<Availability['reason']>, detail?: string): Availability => ({
  state: 'unavailable',
  reason,
  ...(detail === undefined ? {} : { detail }),
});

class Netfilter implements InterceptionBackend {
  readonly #options: NetfilterOptions;
  readonly #now: () => number;
  readonly #stopping = new AbortController();
  readonly #waiting = new Set<Socket>();
  /** One operation at a time, in the order of the calls. */
  #queue: Promise<unknown> = Promise.resolve();
  #ground: Ground | undefined;
  #session: NftSession | undefined;
  /** What the kernel's sets hold. */
  #sets = emptySets;
  #wanted: { readonly enabled: boolean; readonly sets: KernelSets } = { enabled: false, sets: emptySets };
  #lossesAtMs: number[] = [];
  #refused = 0;

  constructor(options: NetfilterOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  start(plan: InterceptionPlan): Promise<Availability> {
    return this.apply(plan);
  }

  apply(plan: InterceptionPlan): Promise<Availability> {
    return this.#enqueue(async () => {
      this.#wanted = { enabled: plan.enabled, sets: setsOf(plan) };
      return await this.#reconcile();
    });
  }

  release(): Promise<void> {
    return this.#enqueue(async () => {
      this.#wanted = { ...this.#wanted, sets: { ...this.#wanted.sets, ports: [] } };
      if (this.#session) await this.#reconcile();
    });
  }

  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#enqueue(async () => {
      await this.#session?.close();
      this.#session = undefined;
      await this.#leaveGround();
      for (const socket of this.#waiting) socket.destroy();
    });
  }

  #enqueue<Result>(operation: () => Promise<Result>): Promise<Result> {
    const result = this.#queue.then(operation);
    this.#queue = result.catch(() => undefined);
    return result;
  }

  /** Brings the kernel to what is wanted, from whatever there is. */
  async #reconcile(): Promise<Availability> {
    if (this.#stopping.signal.aborted) return { state: 'off', reason: 'intercept-off' };
    const off: Availability = { state: 'off', reason: 'protection-off' };
    if (!this.#session && !this.#wanted.enabled) return off;
    const failure = this.#session ? await this.#update(this.#session) : await this.#setUp();
    return failure ?? (this.#wanted.enabled ? { state: 'active' } : off);
  }

  async #update(session: NftSession): Promise<Availability | undefined> {
    const { commands, sets } = change(this.#options.uid, this.#sets, this.#wanted.sets);
    if (commands.length === 0) return undefined;
    const result = await session.run(commands);
    if (result.ok) {
      this.#sets = sets;
      return undefined;
    }
    // Old rules that pass for new ones are worse than a moment without: begin anew.
    this.#options.log('nft-failed', { detail: result.detail });
    this.#session = undefined;
    await session.close();
    return await this.#setUp();
  }

  async #setUp(): Promise<Availability | undefined> {
    const ground = this.#ground ?? (await this.#prepareGround());
    if ('state' in ground) return ground;
    this.#ground = ground;
    const { uid } = this.#options;
    const shape = { uid, listenPort: ground.port, ipv6: ground.ipv6 };
    const { commands, sets } = change(uid, emptySets, this.#wanted.sets);
    for (let tries = 0; ; tries++) {
      const session = openNftSession({
        nftPath: ground.nftPath,
        uid,
        onLost: (detail) => this.#lost(session, detail),
      });
      const result = await session.run([...creation(shape), ...commands]);
      if (result.ok) {
        this.#session = session;
        this.#sets = sets;
        return undefined;
      }
      await session.close();
      const waitMs = createRetryMs[tries];
      if (waitMs === undefined || this.#stopping.signal.aborted) {
        await this.#leaveGround();
        return unavailable('nft-failed', result.detail);
      }
      this.#options.log('nft-failed', { detail: result.detail, retryMs: waitMs });
      await this.#pause(waitMs);
    }
  }

  /** Waits, or not any longer than until `stop`. */
  async #pause(ms: number): Promise<void> {
    await setTimeout(ms, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  async #prepareGround(): Promise<Ground | Availability> {
    const found = await probe(this.#options);
    if (!found.privileged) return unavailable('no-privilege');
    if (!found.nft) return unavailable('no-nft');
    const destination = await openOriginalDestination();
    if (!destination.ok) return unavailable('original-destination-unavailable', destination.detail);
    // Before listening, so that the random port is none of them.
    const reserved = await reservePorts(upstreamSourcePorts, this.#options.reservedPortsPath);
    if (!reserved.ok) this.#options.log('ports-not-reserved', { detail: reserved.detail });
    const listeners = await this.#listen();
    const [first] = listeners;
    if (!first) {
      if (reserved.ok) await reserved.restore();
      return unavailable('listener-failed');
    }
    const ipv6 = listeners.length > 1;
    this.#options.log('interception-ready', { nft: found.nft, port: first.port, ipv6 });
    return {
      nftPath: found.nft.path,
      port: first.port,
      ipv6,
      listeners,
      originalDestination: destination.originalDestination,
      reserved,
    };
  }

  /** One random port on 127.0.0.1 and, where there is one, ::1; nothing when that can't be had. */
  async #listen(): Promise<Listener[]> {
    const onSocket = (socket: Socket) => void this.#accept(socket);
    for (let tries = 0; tries < portTries; tries++) {
      const v4 = await listen('127.0.0.1', 0, onSocket);
      if (!v4.ok) return [];
      const v6 = await listen('::1', v4.listener.port, onSocket);
      if (v6.ok) return [v4.listener, v6.listener];
      if (v6.reason !== 'listener-busy') {
        this.#options.log('no-ipv6', { code: v6.code });
        return [v4.listener];
      }
      v4.listener.close();
    }
    return [];
  }

  async #leaveGround(): Promise<void> {
    const ground = this.#ground;
    this.#ground = undefined;
    for (const listener of ground?.listeners ?? []) listener.close();
    if (ground?.reserved.ok) await ground.reserved.restore();
  }

  #lost(session: NftSession, detail: string): void {
    // One that fails while it is being set up is no loss.
    if (session !== this.#session) return;
    this.#session = undefined;
    this.#options.log('nft-lost', { detail });
    this.#options.onStateChange(unavailable('nft-failed', detail));
    const nowMs = this.#now();
    this.#lossesAtMs = [...this.#lossesAtMs.filter((atMs) => nowMs - atMs < lossWindowMs), nowMs];
    const waitMs = restartMs[this.#lossesAtMs.length - 1];
    if (waitMs === undefined) this.#options.log('nft-given-up', { losses: this.#lossesAtMs.length });
    else void this.#restart(waitMs);
  }

  async #restart(waitMs: number): Promise<void> {
    await this.#pause(waitMs);
    if (this.#stopping.signal.aborted) return;
    const availability = await this.#enqueue(() => this.#reconcile());
    if (!this.#stopping.signal.aborted) this.#options.onStateChange(availability);
  }

  async #accept(socket: Socket): Promise<void> {
    const { remoteAddress: address, remotePort: port } = socket;
    const destination = this.#ground?.originalDestination(socket);
    const redirected =
      destination && (destination.port !== socket.localPort || destination.address !== socket.localAddress);
    if (!redirected || address === undefined || port === undefined) {
      socket.destroy();
      this.#refused++;
      // A program that keeps trying must not fill the log: the 1st, 2nd, 4th, 8th ... time.
      const isPowerOfTwo = (this.#refused & (this.#refused - 1)) === 0;
      if (isPowerOfTwo) this.#options.log('not-redirected', { refused: this.#refused });
      return;
    }
    this.#waiting.add(socket);
    const owner = await this.#options.findOwner({ address, port }, destination);
    this.#waiting.delete(socket);
    if (!socket.destroyed) this.#options.onConnection({ socket, destination, owner });
  }
}

/** Interception by a redirect in the kernel, for the connections of all users; needs root and nft. */
export function createNetfilterBackend(options: NetfilterOptions): InterceptionBackend {
  return new Netfilter(options);
}
