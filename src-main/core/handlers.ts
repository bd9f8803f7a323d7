// The procedures of the contract, answered by the parts of the core. Holds no state and no logic of its own.
import { implement } from '@orpc/server';
import { certificateFacts, parseCertificate } from '../certificates/certificate-facts.ts';
import type { Root } from '../certificates/trust-stores/store.ts';
import { type Application, api } from '../contract/api.ts';
import type { Connection } from '../contract/connection.ts';
import type { SelfTestStep } from '../contract/state.ts';
import type { ServerCertificate } from '../proxy/server-certificate.ts';
import type { EventLog } from '../storage/event-log.ts';
import type { Quarantine } from '../storage/quarantine.ts';
import type { SettingsService } from './settings-service.ts';
import type { StateHub } from './state-hub.ts';
import type { TrustService } from './trust.ts';

/** Where a call comes from: a few procedures are answered on the unix socket alone. */
export interface CallContext {
  readonly via: 'socket' | 'console' | 'window';
}

export interface RouterParts {
  readonly hub: StateHub;
  readonly settings: SettingsService;
  readonly applications: {
    running(): Promise<Application[]>;
    installed(): Promise<Application[]>;
  };
  readonly connections: {
    list(): Connection[];
    close(ids: readonly number[] | 'stale'): number;
    closeDirect(): Promise<number>;
  };
  readonly protection: {
    selfTest(): AsyncGenerator<SelfTestStep>;
    retry(): Promise<void>;
  };
  readonly trust: Pick<TrustService, 'look' | 'install' | 'remove' | 'replace' | 'forget'> & {
    root(): Root;
    ofServer(host: string, port: number): Promise<ServerCertificate>;
  };
  readonly events: Pick<EventLog, 'list'>;
  readonly quarantine: Omit<Quarantine, 'put'>;
  readonly consoleUrl: () => string | undefined;
}

async function* base64Of(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<{ base64: string }> {
  for await (const chunk of chunks) yield { base64: Buffer.from(chunk).toString('base64') };
}

export function createRouter(parts: RouterParts) {
  const { hub, settings, applications, connections, events, protection, quarantine, trust } = parts;
  const os = implement(api).$context<CallContext>();
  return os.router({
    state: {
      get: os.state.get.handler(() => hub.snapshot()),
      watch: os.state.watch.handler(() => hub.watch()),
    },
    settings: {
      get: os.settings.get.handler(() => settings.current()),
      update: os.settings.update.handler(async ({ input, errors }) => {
        const result = await settings.update(input);
        if (!result.ok) throw errors.NOT_SAVED();
        return result.settings;
      }),
      reset: os.settings.reset.handler(async ({ errors }) => {
        const result = await settings.reset();
        if (!result.ok) throw errors.NOT_SAVED();
        return result.settings;
      }),
    },
    applications: {
      running: os.applications.running.handler(() => applications.running()),
      installed: os.applications.installed.handler(() => applications.installed()),
    },
    connections: {
      list: os.connections.list.handler(() => connections.list()),
      close: os.connections.close.handler(({ input }) => ({
        closed: connections.close(input.ids ?? 'stale'),
      })),
      closeDirect: os.connections.closeDirect.handler(async () => ({
        closed: await connections.closeDirect(),
      })),
    },
    protection: {
      selfTest: os.protection.selfTest.handler(() => protection.selfTest()),
      retry: os.protection.retry.handler(async () => {
        await protection.retry();
        return {};
      }),
    },
    trust: {
      status: os.trust.status.handler(() => trust.look()),
      install: os.trust.install.handler(({ input }) => trust.install(input.stores ?? 'own')),
      remove: os.trust.remove.handler(({ input }) => trust.remove(input.stores ?? 'all')),
      forget: os.trust.forget.handler(({ input }) => {
        trust.forget(input.ids);
        return {};
      }),
      certificate: os.trust.certificate.handler(() => trust.root()),
      replace: os.trust.replace.handler(() => trust.replace()),
      ofServer: os.trust.ofServer.handler(async ({ input, errors }) => {
        const shown = await trust.ofServer(input.host, input.port);
        if (shown.ok) return shown.facts;
        throw shown.reason === 'unreachable' ? errors.UNREACHABLE() : errors.NO_TLS();
      }),
      ofFile: os.trust.ofFile.handler(({ input, errors }) => {
        const der = parseCertificate(input.text);
        if (!der) throw errors.NO_CERTIFICATE();
        return certificateFacts(der);
      }),
    },
    messages: {
      list: os.messages.list.handler(({ input }) => events.list(input.limit)),
    },
    quarantine: {
      list: os.quarantine.list.handler(() => quarantine.list()),
      show: os.quarantine.show.handler(async ({ input, errors }) => {
        const entry = await quarantine.show(input.id);
        if (!entry) throw errors.NOT_FOUND();
        return entry;
      }),
      restore: os.quarantine.restore.handler(async ({ input, errors }) => {
        // Before the stream begins, so that the call fails and not its first chunk.
        if (!(await quarantine.show(input.id))) throw errors.NOT_FOUND();
        return base64Of(quarantine.read(input.id));
      }),
    },
    console: {
      url: os.console.url.handler(({ context, errors }) => {
        if (context.via !== 'socket') throw errors.FORBIDDEN();
        const url = parts.consoleUrl();
        if (url === undefined) throw errors.NOT_RUNNING();
        return { url };
      }),
    },
  });
}

export type CoreRouter = ReturnType<typeof createRouter>;
