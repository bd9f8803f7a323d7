// The tables of one scope: makes them, changes them and takes them away. What their sets hold is the core's to know.
import type { HelperOutcome, HelperRequest } from './helper-messages.ts';
import * as script from './nft-script.ts';
import type { NftSession } from './nft-session.ts';
import { reservePorts } from './reserved-ports.ts';

/** A request without what says which one it is. */
type Asked<Do extends HelperRequest['do']> = Omit<Extract<HelperRequest, { do: Do }>, 'id' | 'do'>;

export interface TablesOptions {
  readonly scope: script.Scope;
  readonly session: NftSession;
  readonly reservedPortsPath?: string;
}

export interface Tables {
  /** Makes the table and fills it, unless another core holds one that covers the same users. */
  open(request: Asked<'open'>): Promise<HelperOutcome>;
  /** Changes what stands, in one transaction. */
  change(request: Asked<'change'>): Promise<HelperOutcome>;
  /** Takes the redirect away, and without `block` also what refuses mail in its absence. */
  close(request: Asked<'close'>): Promise<HelperOutcome>;
  /** Ends with nft what it owns; the last core of the machine gives the source ports back. A block stays. */
  end(): Promise<void>;
}

export function createTables({ scope, session, reservedPortsPath }: TablesOptions): Tables {
  const [own, blocking] = [script.ownerTable(scope.user), script.blockTable(scope.user)];
  /** How greetings are found in the table that stands. */
  let standing: script.GreetingForm | undefined;
  let giveBackPorts: (() => Promise<void>) | undefined;

  return {
    async open({ listen, ipv6, detect, block, add }) {
      if (standing) return { ok: false, reason: 'not-allowed', detail: 'open' };
      const tables = await session.tables();
      if (tables.includes(own)) return { ok: false, reason: 'table-taken' };
      if (tables.includes(script.ownerTable('all'))) return { ok: false, reason: 'system-core-running' };
      let outcome: HelperOutcome = { ok: false, reason: 'nft-failed' };
      for (const form of ['ih', 'th', 'none'] as const) {
        // First all greetings, so that a form that can't be used here fails now and not when it is wanted.
        const redirect = `
          ${script.creation(scope, { listen, ipv6, form })}
          ${script.greetingRules(scope, form, ['imap', 'pop3'])}
          ${script.greetingRules(scope, form, detect)}
          ${script.changeSets(script.redirectSets, {}, add)}`;
        outcome = await session.run(
          script.onTable(own, redirect) + script.blockCreation(scope, block && add),
        );
        if (!outcome.ok) continue;
        standing = form;
        giveBackPorts ??= await reservePorts(reservedPortsPath).catch(() => undefined);
        return { ok: true, answer: { greetings: form } };
      }
      return outcome;
    },
    async change({ detect, block, remove, add }) {
      if (!standing) return { ok: false, reason: 'not-open' };
      const redirect = script.changeSets(script.redirectSets, remove, add);
      const greetings = script.greetingRules(scope, standing, detect);
      const both = script.onTable(blocking, script.changeSets(script.blockSets, remove, add));
      const blocked = block === true ? both : script.blockCreation(scope, block);
      return await session.run(script.onTable(own, redirect + greetings) + blocked);
    },
    async close({ block }) {
      const gone = [...(standing ? [own] : []), ...(block ? [] : [blocking])];
      const removal = standing ? `delete table ${own}` : '';
      const outcome = await session.remove(removal + (block ? '' : script.blockCreation(scope, false)), gone);
      if (outcome.ok) standing = undefined;
      return outcome;
    },
    async end() {
      const tables = await session.tables();
      session.kill();
      await session.lost;
      const others = tables.filter((table) => /^inet postern_(\d+|all)$/.test(table) && table !== own);
      if (others.length === 0) await giveBackPorts?.();
    },
  };
}
