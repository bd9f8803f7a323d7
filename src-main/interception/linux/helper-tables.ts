// The tables that the helper holds for us, brought to a plan by differences; and what else the helper is asked for. One
// request at a time, in the order of the calls of its caller.
import { setTimeout } from 'node:timers/promises';
import type { Endpoint } from '../../contract/connection.ts';
import type { DirectConnection, InterceptionPlan, SocketHolder } from '../backend.ts';
import {
  type HelperHello,
  type HelperLink,
  type HelperResult,
  type HelperRoute,
  type LinkFailure,
  openHelperLink,
} from './helper-link.ts';
import { type Elements, type End, maxEnded } from './helper-messages.ts';
import {
  foundChanges,
  type Holdings,
  type HoldingsChange,
  hexAddress,
  holdingsOf,
  nothingHeld,
  rangesChange,
} from './kernel-elements.ts';

/** A table of a core that was just killed lives for up to 0.2 s. */
const takenTries = 10;
const takenRetryMs = 50;

function isTaken(result: HelperResult): boolean {
  return !result.ok && (result.reason === 'table-taken' || result.reason === 'system-core-running');
}

export interface HelperTablesOptions {
  /** How the helper is reached, looked up each time; undefined: there is none. */
  readonly route: () => HelperRoute | undefined;
  /** The helper is gone, and the redirect with it. */
  readonly onLost: (problem: LinkFailure) => void;
  readonly now: () => Date;
}

/** Where the redirect leads to. */
export interface RedirectTarget {
  readonly port: number;
  readonly ipv6: boolean;
}

interface Reached {
  readonly link: HelperLink;
  readonly hello: HelperHello;
}

interface Standing {
  readonly held: Holdings;
  readonly seesGreetings: boolean;
}

type SetsChange = Pick<HoldingsChange, 'remove' | 'add'>;

export class HelperTables {
  readonly #options: HelperTablesOptions;
  #reached: Reached | undefined;
  #standing: Standing | undefined;
  /** Somebody has said no: they are not asked again by ourselves. */
  #denied: LinkFailure | undefined;
  /** Endpoints that are refused, by their set and element. */
  readonly #down = new Map<string, readonly ['down4' | 'down6', string, number]>();

  constructor(options: HelperTablesOptions) {
    this.#options = options;
  }

  /** What the redirect holds; undefined: there is none. */
  get held(): Holdings | undefined {
    return this.#standing?.held;
  }

  /** Whose connections are covered, and what never is. */
  get hello(): HelperHello | undefined {
    return this.#reached?.hello;
  }

  get seesGreetings(): boolean {
    return this.#standing?.seesGreetings ?? false;
  }

  /** Whoever said no may be asked again. */
  forgetDenial(): void {
    this.#denied = undefined;
  }

  /** Reaches the helper on the way to `open`, which tells what is wrong with it. */
  async prepare(): Promise<void> {
    await this.#reach();
  }

  async open({ port, ipv6 }: RedirectTarget, plan: InterceptionPlan): Promise<LinkFailure | undefined> {
    const reached = await this.#reach();
    if ('ok' in reached) return reached;
    const wanted = holdingsOf(plan, reached.hello.denied);
    const { add, holdings } = rangesChange(nothingHeld, wanted);
    const { detect, block } = wanted;
    const open = () => reached.link.call({ do: 'open', listen: port, ipv6, detect, block, add });
    let result = await open();
    for (let tries = 1; tries < takenTries && isTaken(result); tries++) {
      await setTimeout(takenRetryMs);
      result = await open();
    }
    if (!result.ok) return await this.#drop(result);
    this.#down.clear();
    this.#standing = { held: holdings, seesGreetings: result.answer.greetings !== 'none' };
    return await this.#tellFound(wanted);
  }

  /** Brings what stands to a plan. On failure nothing stands any more: old rules must not pass for new ones. */
  async update(plan: InterceptionPlan): Promise<LinkFailure | undefined> {
    const [reached, standing] = [this.#reached, this.#standing];
    if (!reached || !standing) return undefined;
    if (!plan.enabled) await this.#admitAll();
    const wanted = holdingsOf(plan, reached.hello.denied);
    const { remove, add, holdings, isEmpty } = rangesChange(standing.held, wanted);
    const isNewBlock = wanted.block && !standing.held.block;
    const held = { ...holdings, block: wanted.block && !isNewBlock };
    const isSame = standing.held.block === held.block && standing.held.detect.join() === held.detect.join();
    if (!isEmpty || !isSame) {
      const problem = await this.#change({ remove, add }, held);
      if (problem) return problem;
    }
    const problem = await this.#tellFound(wanted);
    return problem || !isNewBlock ? problem : await this.#putUpBlock(wanted);
  }

  /** Takes the redirect away; with `block` mail is refused from then on. */
  async close(block: boolean): Promise<LinkFailure | undefined> {
    const reached = await this.#reach();
    if ('ok' in reached) return reached;
    this.#standing = undefined;
    const result = await reached.link.call({ do: 'close', block });
    return result.ok ? undefined : await this.#drop(result);
  }

  /** Refuses connections to a server for so many seconds; undefined: no more. */
  async refuse({ address, port }: Endpoint, ttlSeconds: number | undefined): Promise<void> {
    const hex = hexAddress(address);
    if (!hex || !this.#reached || !this.#standing) return;
    const set = hex.family === 4 ? 'down4' : 'down6';
    const key = `${hex.hex} ${port}`;
    const elements = { [set]: [[hex.hex, port, ttlSeconds ?? 1] as const] };
    if (ttlSeconds === undefined) this.#down.delete(key);
    else this.#down.set(key, [set, hex.hex, port]);
    await this.#callChange(
      ttlSeconds === undefined ? { remove: elements, add: {} } : { remove: {}, add: elements },
      this.#standing.held,
    );
  }

  /** Ends connections; answers how many. */
  async end(connections: readonly DirectConnection[]): Promise<number> {
    const pairs = connections.flatMap(({ local, remote }): (readonly [End, End])[] => {
      const [from, to] = [hexAddress(local.address), hexAddress(remote.address)];
      return from && to
        ? [
            [
              [from.hex, local.port],
              [to.hex, remote.port],
            ],
          ]
        : [];
    });
    let ended = 0;
    for (let i = 0; i < pairs.length && this.#reached; i += maxEnded) {
      const result = await this.#reached.link.call({ do: 'end', connections: pairs.slice(i, i + maxEnded) });
      if (result.ok) ended += result.answer.ended ?? 0;
    }
    return ended;
  }

  async ownerOf(inode: number, uid: number): Promise<SocketHolder | undefined> {
    if (this.#reached?.hello.user !== 'all') return undefined;
    const result = await this.#reached.link.call({ do: 'owner', inode, uid });
    return result.ok ? result.answer.owner : undefined;
  }

  /** Ends the helper, and the redirect with it. May be called twice. */
  async stop(): Promise<void> {
    const link = this.#reached?.link;
    this.#reached = undefined;
    this.#standing = undefined;
    await link?.close();
  }

  /** The helper, started where there is none. */
  async #reach(): Promise<Reached | LinkFailure> {
    if (this.#reached) return this.#reached;
    if (this.#denied) return this.#denied;
    const route = this.#options.route();
    if (!route) return { ok: false, reason: 'missing' };
    const link = openHelperLink({
      route,
      onLost: (problem) => {
        // One that fails while it is asked for the first time is no loss.
        if (link !== this.#reached?.link) return;
        this.#reached = undefined;
        this.#standing = undefined;
        this.#options.onLost(problem);
      },
    });
    const answer = await link.hello();
    if (answer.ok) {
      this.#reached = { link, hello: answer.hello };
      return this.#reached;
    }
    await link.close();
    if (answer.reason === 'denied') this.#denied = answer;
    return answer;
  }

  async #drop(problem: LinkFailure): Promise<LinkFailure> {
    await this.stop();
    return problem;
  }

  /** The helper lives on, so that nobody is asked for a password for it again. */
  async #takeAway(problem: LinkFailure, block: boolean): Promise<LinkFailure> {
    this.#standing = undefined;
    const result = await this.#reached?.link.call({ do: 'close', block });
    return result?.ok ? problem : await this.#drop(problem);
  }

  /** Changes the sets; all else is as `held` says, and `block` too where it says no more than that. */
  async #callChange(
    { remove, add }: SetsChange,
    { detect, block: blocks }: Holdings,
    block: Elements | boolean = blocks,
  ): Promise<HelperResult | undefined> {
    return await this.#reached?.link.call({ do: 'change', detect, block, remove, add });
  }

  /** The same for what is remembered as held. On failure nothing stands any more. */
  async #change(
    change: SetsChange,
    held: Holdings,
    block?: Elements | boolean,
  ): Promise<LinkFailure | undefined> {
    const standing = this.#standing;
    const result = await this.#callChange(change, held, block);
    if (!standing || !result) return undefined;
    if (!result.ok) return await this.#takeAway(result, held.block);
    this.#standing = { ...standing, held };
    return undefined;
  }

  /** A new block holds the ranges at once, and the endpoints once they have all been told again. */
  async #putUpBlock(wanted: Holdings): Promise<LinkFailure | undefined> {
    const held = this.#standing?.held;
    if (!held) return undefined;
    const content = rangesChange(nothingHeld, held).add;
    const problem = await this.#change(
      { remove: {}, add: {} },
      { ...held, block: true, found: new Map() },
      content,
    );
    return problem ?? (await this.#tellFound(wanted));
  }

  async #tellFound(wanted: Holdings): Promise<LinkFailure | undefined> {
    const held = this.#standing?.held;
    const changes = held ? foundChanges(held, wanted, this.#options.now().getTime()) : [];
    for (const change of changes) {
      const problem = await this.#change(change, change.holdings);
      if (problem) return problem;
    }
    return undefined;
  }

  async #admitAll(): Promise<void> {
    const elements = (set: 'down4' | 'down6') =>
      [...this.#down.values()].filter(([own]) => own === set).map(([, hex, port]) => [hex, port, 1] as const);
    const remove = { down4: elements('down4'), down6: elements('down6') };
    if (this.#down.size > 0 && this.#standing)
      await this.#callChange({ remove, add: {} }, this.#standing.held);
    this.#down.clear();
  }
}
