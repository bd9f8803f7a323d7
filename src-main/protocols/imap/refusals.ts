// Which commands do not go on to the server, and what the client hears of it.
import { mayAuthenticateBy } from '../sasl.ts';
import { asksElsewhere, type CommandLine, mayPass, takesLiterals } from './commands.ts';

/** What a connection is like when a command comes. */
interface ConnectionState {
  readonly tls: boolean;
  readonly compressed: boolean;
  /** Octets of a literal that the server need not be asked for. */
  readonly nonSyncBytes: number;
}

/** Status and words of the tagged answer; undefined: it may go on, as far as its first line tells. */
export function refusalOf(
  { name, literal }: CommandLine,
  args: string,
  { tls, compressed, nonSyncBytes }: ConnectionState,
): string | undefined {
  if (!mayPass(name)) return 'BAD Command not supported';
  if (literal && !takesLiterals(name)) return 'BAD No literal expected';
  if (literal?.nonSync && literal.size > nonSyncBytes) {
    return 'BAD Literal without a continuation not supported';
  }
  switch (name) {
    case 'AUTHENTICATE':
      return mayAuthenticateBy(args.split(' ', 1)[0] ?? '') ? undefined : 'NO Mechanism not available';
    case 'COMPRESS':
      if (compressed) return 'NO [COMPRESSIONACTIVE] DEFLATE is active already';
      return args.toUpperCase() === 'DEFLATE' ? undefined : 'NO Unknown mechanism';
    case 'UNAUTHENTICATE':
      // RFC 8437 ends the compression somewhere behind the answer: servers differ on where.
      return compressed ? 'NO Not while the connection is compressed' : undefined;
    case 'STARTTLS':
      if (compressed) return 'BAD Compression is active already';
      return tls ? 'BAD TLS is active already' : undefined;
    default:
      return asksElsewhere(name, args, name === 'APPEND' ? 1 : 2) ? 'BAD CATENATE not supported' : undefined;
  }
}
