// Any scanner that speaks ICAP (RFC 3507) as an engine: messages go to a RESPMOD service as the body of a response.
import { versionOf } from './icap-answer.ts';
import { type IcapService, IcapSession } from './icap-session.ts';
import { type RemoteClientOptions, remoteClient } from './remote-client.ts';
import type { RemoteEngine } from './remote-engine.ts';
import type { Probe, RemoteServer } from './remote-server.ts';

/** RFC 3507 §4.2. */
const defaultPort = 1344;

/** Connections where the server sets no limit: one request each at a time. */
const mostConnections = 4;

/** Octets of a preview that are sent; a server that wants more gets these. */
const mostPreviewBytes = 64 * 1024;

/** `icap://HOST[:PORT]/SERVICE`; undefined for anything else. */
export function parseIcapUrl(url: string): IcapService | undefined {
  const match = /^icap:\/\/((?:\[([0-9a-f:.]+)\]|([^:/[\]@\s]+))(?::(\d{1,5}))?)\/([!-~]+)$/i.exec(url);
  const [, authority, bracketed, named, port = String(defaultPort), name] = match ?? [];
  const host = bracketed ?? named;
  if (authority === undefined || host === undefined || name === undefined) return undefined;
  return { authority, name, endpoint: { host, port: Number(port) } };
}

class IcapServer implements RemoteServer {
  readonly id = 'icap';
  readonly window = 1;
  readonly sharedBytes = Number.POSITIVE_INFINITY;
  readonly #service: IcapService;
  #previewBytes: number | undefined;

  constructor(service: IcapService) {
    this.#service = service;
  }

  async probe(signal: AbortSignal): Promise<Probe> {
    if (signal.aborted) return { kind: 'down' };
    const session = this.open({ onVersion: () => undefined, onEnd: () => undefined });
    const close = () => session.close();
    signal.addEventListener('abort', close, { once: true });
    const response = await session.options();
    signal.removeEventListener('abort', close);
    close();
    if (response === 'lost') return { kind: 'down' };
    if (response === 'bad') return { kind: 'down', detail: 'answer' };
    const { status, fields } = response;
    if (status !== 200) return { kind: 'failed', detail: `icap ${status}` };
    if (!/\bRESPMOD\b/i.test(fields.get('methods') ?? 'RESPMOD'))
      return { kind: 'failed', detail: 'no RESPMOD' };
    const number = (name: string) => {
      const digits = /^\d{1,9}$/.exec(fields.get(name) ?? '')?.[0];
      return digits === undefined ? undefined : Number(digits);
    };
    const preview = number('preview');
    this.#previewBytes = preview === undefined ? undefined : Math.min(preview, mostPreviewBytes);
    const connections = Math.max(1, Math.min(mostConnections, number('max-connections') ?? mostConnections));
    return { kind: 'up', version: versionOf(response) ?? 'ICAP', connections };
  }

  open({ onVersion, onEnd }: Parameters<RemoteServer['open']>[0]): IcapSession {
    return new IcapSession({
      service: this.#service,
      previewBytes: this.#previewBytes,
      onVersion,
      onEnd,
    });
  }
}

export interface IcapOptions extends RemoteClientOptions {
  readonly service: IcapService;
}

/** Connects from now on, until it is stopped. */
export function openIcap({ service, ...options }: IcapOptions): RemoteEngine {
  return remoteClient(new IcapServer(service), options);
}
