// Opens what concerns trust and connects it: the stores, what is relayed from experience, and the service over both.
import { join } from 'node:path';
import { z } from 'zod';
import { listProcesses } from '../applications/processes.ts';
import type { Certificates } from '../certificates/authority.ts';
import type { Root } from '../certificates/trust-stores/store.ts';
import { openTrustStores } from '../certificates/trust-stores/trust-stores.ts';
import type { Endpoint } from '../contract/connection.ts';
import type { PortRange } from '../contract/port-list.ts';
import type { Settings } from '../contract/settings.ts';
import type { Trust } from '../contract/trust.ts';
import { fetchServerCertificate } from '../proxy/server-certificate.ts';
import { createTlsRelays, type TlsRelays } from '../proxy/tls-relays.ts';
import { createDialer } from '../proxy/upstream.ts';
import { openRememberedRelays } from '../storage/remembered-relays.ts';
import { openStoredList } from '../storage/stored-list.ts';
import type { RouterParts } from './handlers.ts';
import type { Ports } from './ports.ts';
import { openRootList } from './root-list.ts';
import type { Stops } from './stops.ts';
import { createTrustService, type TrustService } from './trust.ts';

export interface TrustParts {
  readonly certificates: Certificates;
  readonly settings: () => Pick<Settings, 'tls'>;
  readonly onChange: (trust: Trust) => void;
  /** Where connections of ours leave from, so that they are not redirected to us. */
  readonly sourcePorts: PortRange | undefined;
  readonly isOwnEndpoint: (endpoint: Endpoint) => boolean;
}

export interface WiredTrust {
  readonly service: TrustService;
  readonly relays: TlsRelays;
  readonly procedures: RouterParts['trust'];
}

/** For the dial and for the handshake of a server whose certificate a person wants to see. */
const serverCertificateMs = 10_000;

/** Profiles of one user, over the years. */
const maxOffered = 1_000;

/** The root of today. */
export function rootOf(certificates: Pick<Certificates, 'roots'>): Root {
  const [root] = certificates.roots();
  if (!root) throw new Error('there is always a root');
  return root;
}

export function wireTrust(ports: Ports, stops: Stops, parts: TrustParts): WiredTrust {
  const { clock, log } = ports;
  const { certificates, settings, onChange, sourcePorts, isOwnEndpoint } = parts;
  const below = (name: string) => join(ports.dataDir, name);
  const offered = openStoredList({
    file: below('trust-offered.json'),
    schema: z.string(),
    keyOf: (id) => id,
    maxItems: maxOffered,
    onProblem: ({ kind, error }) => log(`trust-offered-${kind}`, { error }),
  });
  const retired = openRootList(below('trust-retired.json'), ({ kind, error }) =>
    log(`trust-retired-${kind}`, { error }),
  );
  const stored = openRememberedRelays({
    file: below('tls-relays.json'),
    now: clock.now,
    after: clock.after,
    onProblem: ({ kind, error }) => log(`tls-relays-${kind}`, { error }),
  });
  stops.add(() => stored.stop());
  const relays = createTlsRelays({
    now: clock.now,
    stored: stored.initial,
    onChange() {
      stored.save(() => relays.list());
      service.relaysChanged();
    },
  });
  const service = createTrustService({
    certificates,
    homeDir: ports.homeDir,
    stores: openTrustStores({
      homeDir: ports.homeDir,
      uid: ports.uid,
      journalFile: below('trust-journal.json'),
      now: clock.now,
      after: clock.after,
      administrator: ports.administrator,
      // One that was started with another home is another desktop's.
      processes: async () =>
        (await listProcesses()).filter(({ home }) => home === undefined || home === ports.homeDir),
      log,
    }),
    relays,
    offered,
    retired,
    installs: () => settings().tls.enabled && settings().tls.installRoot,
    onChange,
    clock,
    log,
  });
  stops.add(() => service.stop());
  return {
    service,
    relays,
    procedures: {
      ...service,
      root: () => rootOf(certificates),
      ofServer: (host, port) =>
        fetchServerCertificate({
          host,
          port,
          dial: createDialer(),
          sourcePorts,
          isOwnEndpoint,
          timeoutMs: serverCertificateMs,
        }),
    },
  };
}
