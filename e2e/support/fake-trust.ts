// The trust calls of the fake core: they change the state as a core would, note what was asked, and fail where a test
// wants it.
import { implement } from '@orpc/server';
import { api } from '../../src-main/contract/api.ts';
import type { ErrorCode } from '../../src-main/contract/error-codes.ts';
import type { Trust, TrustAction, TrustStore } from '../../src-main/contract/trust.ts';
import { samplePem, sampleRoot, sampleServer } from './sample-trust.ts';

export interface TrustCall {
  readonly call: 'status' | 'install' | 'remove' | 'forget' | 'replace' | 'ofServer' | 'ofFile';
  readonly input?: unknown;
}

export interface FakeTrust {
  /** What was asked, in order. */
  readonly calls: readonly TrustCall[];
  /** Calls about this store fail from now on. */
  failStore(id: string, reason: ErrorCode, detail?: string): void;
  /** Every call fails as a fault of the core would make it. */
  breakCalls(isBroken: boolean): void;
}

export interface FakeTrustOptions {
  readonly trust: () => Trust;
  readonly change: (trust: Trust) => void;
}

export function createFakeTrust({ trust, change }: FakeTrustOptions) {
  const calls: TrustCall[] = [];
  const failing = new Map<string, { readonly reason: ErrorCode; readonly detail?: string }>();
  let isBroken = false;
  const os = implement(api);

  const note = (call: TrustCall['call'], input?: unknown) => {
    calls.push({ call, ...(input !== undefined && { input }) });
    if (isBroken) throw new Error('broken');
  };
  const actOn = (
    stores: readonly TrustStore[],
    state: TrustStore['state'],
    action: 'installed' | 'removed',
  ): TrustAction[] => {
    const done = stores.filter(({ id }) => !failing.has(id));
    change({
      ...trust(),
      stores: trust().stores.map((each) => {
        if (!done.includes(each)) return each;
        const { reason: _reason, detail: _detail, ...rest } = each;
        return { ...rest, state };
      }),
    });
    return stores.map((store) => {
      const failure = failing.get(store.id);
      return failure === undefined ? { store, action } : { store, action: 'failed', ...failure };
    });
  };
  const named = (ids: readonly string[] | undefined) =>
    trust().stores.filter(({ id, fix }) => (ids === undefined ? fix === 'own' : ids.includes(id)));

  const router = {
    status: os.trust.status.handler(() => {
      note('status');
      return trust();
    }),
    install: os.trust.install.handler(({ input }) => {
      note('install', input);
      return actOn(named(input.stores), 'trusted', 'installed');
    }),
    remove: os.trust.remove.handler(({ input }) => {
      note('remove', input);
      return actOn(
        trust().stores.filter(({ state }) => state === 'trusted'),
        'not-trusted',
        'removed',
      );
    }),
    forget: os.trust.forget.handler(({ input }) => {
      note('forget', input);
      change({ ...trust(), relays: trust().relays.filter(({ id }) => input.ids?.includes(id) === false) });
      return {};
    }),
    certificate: os.trust.certificate.handler(() => {
      if (isBroken) throw new Error('broken');
      return { pem: samplePem, facts: trust().roots[0] ?? sampleRoot };
    }),
    replace: os.trust.replace.handler(() => {
      note('replace');
      change({ ...trust(), roots: [{ ...sampleRoot, sha256: 'ab'.repeat(32) }] });
      return actOn(
        trust().stores.filter(({ state }) => state === 'trusted'),
        'trusted',
        'installed',
      );
    }),
    ofServer: os.trust.ofServer.handler(({ input, errors }) => {
      note('ofServer', input);
      if (input.host === 'down.example.org') throw errors.UNREACHABLE();
      if (input.host === 'plain.example.org') throw errors.NO_TLS();
      return sampleServer;
    }),
    ofFile: os.trust.ofFile.handler(({ input, errors }) => {
      note('ofFile', input);
      if (!/BEGIN CERTIFICATE|^MII/.test(input.text)) throw errors.NO_CERTIFICATE();
      return sampleServer;
    }),
  };

  const handles: FakeTrust = {
    calls,
    failStore: (id, reason, detail) => failing.set(id, { reason, ...(detail !== undefined && { detail }) }),
    breakCalls: (broken) => {
      isBroken = broken;
    },
  };
  return { router, handles };
}
