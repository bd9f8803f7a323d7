// What the settings of the section `scanning` mean to the scanner: how far it looks, into what, and which engines it asks
// beside its own.
import type { ScanningSettings } from '../contract/settings.ts';
import { findClamd, openClamd, parseClamdAddress } from '../scanner/engines/clamd.ts';
import { openIcap, parseIcapUrl } from '../scanner/engines/icap.ts';
import type { RemoteClientOptions } from '../scanner/engines/remote-client.ts';
import type { RemoteEngine } from '../scanner/engines/remote-engine.ts';
import type { RuleGroup } from '../scanner/options.ts';
import type { ScanConfiguration, Scanner } from '../scanner/pool.ts';
import { withRemoteEngines } from '../scanner/remote-scanner.ts';

const mebibyte = 1024 * 1024;

/** Nothing new is begun in the last third of a message's time. */
const softShare = 2 / 3;

export function configurationOf(settings: ScanningSettings): ScanConfiguration {
  const { heuristics, suspiciousAttachments, phishingLinks, unwanted } = settings;
  const chosen: readonly (readonly [RuleGroup, boolean])[] = [
    ['heuristics', heuristics],
    ['attachments', suspiciousAttachments],
    ['phishing', phishingLinks],
    ['unwanted', unwanted],
  ];
  const hardMs = settings.maxSeconds * 1_000;
  return {
    limits: {
      messageBytes: settings.maxMessageMiB * mebibyte,
      partBytes: settings.maxMemberMiB * mebibyte,
      unpackedBytes: settings.maxUnpackedMiB * mebibyte,
      archiveDepth: settings.archiveDepth,
      softMs: hardMs * softShare,
      hardMs,
    },
    options: {
      emailFiles: settings.emailFiles,
      archives: settings.archives,
      selfExtracting: settings.selfExtracting,
      groups: chosen.filter(([, isOn]) => isOn).map(([group]) => group),
    },
  };
}

/** How often `auto` looks whether clamd came or went for good. */
const lookMs = 60_000;

type Chosen = Pick<ScanningSettings, 'clamd' | 'icap'>;

export interface RemoteEngines {
  /** Those in use now. */
  current(): readonly RemoteEngine[];
  apply(settings: Chosen): void;
  /** May be called twice. */
  stop(): Promise<void>;
}

interface Slot {
  /** What it was opened for. */
  readonly address: string;
  readonly engine: RemoteEngine;
}

/** @param tools.find where a clamd of this machine listens, for `auto` */
export function createRemoteEngines(
  tools: RemoteClientOptions & { readonly find?: () => string | undefined },
): RemoteEngines {
  const { find = findClamd, ...options } = tools;
  let chosen: Chosen = { clamd: 'off', icap: 'off' };
  const slots = new Map<'clamd' | 'icap', Slot>();
  let cancelLook: () => void = () => undefined;
  let isStopped = false;

  function put(
    id: 'clamd' | 'icap',
    address: string | undefined,
    open: (address: string) => RemoteEngine | undefined,
  ) {
    const slot = slots.get(id);
    if (slot?.address === address) return;
    slots.delete(id);
    void slot?.engine.stop();
    const engine = address === undefined ? undefined : open(address);
    if (engine && address !== undefined) slots.set(id, { address, engine });
  }

  function look(): void {
    cancelLook();
    const { clamd, icap } = chosen;
    const address = clamd === 'auto' ? find() : clamd === 'off' ? undefined : clamd;
    put('clamd', address, (where) => {
      const endpoint = parseClamdAddress(where);
      return endpoint && openClamd({ ...options, endpoint });
    });
    put('icap', icap === 'off' ? undefined : icap, (where) => {
      const service = parseIcapUrl(where);
      return service && openIcap({ ...options, service });
    });
    if (clamd === 'auto') cancelLook = options.after(lookMs, look);
  }

  return {
    current: () => [...slots.values()].map(({ engine }) => engine),
    apply(settings) {
      if (isStopped) return;
      chosen = settings;
      look();
    },
    async stop() {
      isStopped = true;
      cancelLook();
      const engines = [...slots.values()].map(({ engine }) => engine);
      slots.clear();
      await Promise.all(engines.map((engine) => engine.stop()));
    },
  };
}

export interface ScanningEngines {
  /** The scanner of now, with the engines elsewhere that the settings name. */
  readonly scanner: Scanner;
  readonly remote: () => readonly RemoteEngine[];
  apply(settings: ScanningSettings): void;
  /** Ends the engines elsewhere, and not the scanner that was given. May be called twice. */
  stop(): Promise<void>;
}

/** Has `own` scan by the settings, beside the engines that they name. */
export function connectEngines(
  own: Scanner,
  settings: ScanningSettings,
  after: RemoteClientOptions['after'],
): ScanningEngines {
  const now = () => performance.now();
  const remote = createRemoteEngines({ now, after, random: Math.random });
  let { maxSeconds } = settings;
  const apply = (chosen: ScanningSettings) => {
    ({ maxSeconds } = chosen);
    own.configure(configurationOf(chosen));
    remote.apply(chosen);
  };
  apply(settings);
  return {
    scanner: withRemoteEngines({
      scanner: own,
      engines: remote.current,
      timeoutMs: () => maxSeconds * 1_000,
      now,
      after,
    }),
    remote: remote.current,
    apply,
    stop: remote.stop,
  };
}
