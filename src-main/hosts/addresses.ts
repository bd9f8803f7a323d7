// The address in the option --console: where the console listens.
import { isIPv6 } from 'node:net';

export interface ConsoleAddress {
  readonly host: '127.0.0.1' | '::1' | 'localhost';
  /** 0: any free one. */
  readonly port: number;
}

export type Parsed<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: string };

const fail = (problem: string): Parsed<never> => ({ ok: false, problem });

function portOf(text: string): number | undefined {
  return /^[0-9]{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : undefined;
}

/** `HOST:PORT` with IPv6 in brackets. */
function splitAddress(text: string): { readonly host: string; readonly port: string } | undefined {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):([0-9]+)$/.exec(text);
  if (match === null || (match[1] !== undefined && !isIPv6(match[1]))) return undefined;
  return { host: match[1] ?? match[2] ?? '', port: match[3] ?? '' };
}

/** `HOST:PORT` of loopback, or `off`. Others would need TLS and a password. */
export function parseConsoleAddress(text: string): Parsed<ConsoleAddress | 'off'> {
  if (text === 'off') return { ok: true, value: 'off' };
  const address = splitAddress(text);
  const port = portOf(address?.port ?? '');
  if (address === undefined || port === undefined) return fail(`not HOST:PORT: ${text}`);
  const { host } = address;
  if (host !== '127.0.0.1' && host !== '::1' && host !== 'localhost') {
    return fail(`the console listens on loopback only (127.0.0.1, [::1], localhost): ${text}`);
  }
  return { ok: true, value: { host, port } };
}
