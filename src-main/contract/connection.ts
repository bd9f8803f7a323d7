// A connection as rooms and pages speak of it.
import { z } from 'zod';
import { errorCodes } from './error-codes.ts';

export const mailProtocolSchema = z.enum(['imap', 'imaps', 'pop3', 'pop3s']);
export type MailProtocol = z.infer<typeof mailProtocolSchema>;

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** The program at the client's end. `pid` is absent when the socket belongs to another user's process. */
export interface ConnectionOwner {
  readonly uid: number;
  readonly pid?: number | undefined;
  readonly path?: string | undefined;
  readonly sandboxId?: string | undefined;
  /** The script that the program, an interpreter, runs: its absolute path. */
  readonly script?: string | undefined;
}

/** Why a connection is relayed without scanning. */
export const relayReasons = [
  'excluded-application',
  'excluded-address',
  'protection-off',
  'protocol-off',
  'not-mail',
  /** None of the server's ways to sign in passes through us; learnt from an earlier connection to it. */
  'no-sign-in',
  /** Inspection of TLS is switched off. */
  'tls-off',
  /** A rule for the program, or for the server's name or certificate, says so. */
  'tls-rule',
  /** The program refused a certificate of our root. */
  'certificate-refused',
  /** The program refused a certificate of the untrusted authority: from then on it judges the server's own. */
  'untrusted-certificate-refused',
  /** The server wants a certificate of the client's own. */
  'client-certificate',
  /** The server speaks no TLS that may be spoken for this client. */
  'server-tls',
  /** The client offers no TLS that we speak. */
  'client-tls',
] as const;

export const connectionSchema = z.object({
  id: z.number(),
  protocol: mailProtocolSchema.optional(),
  server: z.string(),
  port: z.number(),
  program: z.string().optional(),
  uid: z.number().optional(),
  pid: z.number().optional(),
  state: z.enum(['connecting', 'scanning', 'relayed']),
  reason: z.enum([...relayReasons, ...errorCodes]).optional(),
  messages: z.number(),
  since: z.iso.datetime(),
});
export type Connection = z.infer<typeof connectionSchema>;
export type RelayReason = (typeof relayReasons)[number];
