// THE contract between the core and whoever shows or steers it: the renderer by MessagePort or WebSocket,
// the CLI over the unix socket. Subscribe to `state.watch` first, then take `state.get`, apply updates by
// revision, and take a new snapshot when one is missing.
import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { connectionSchema } from './connection.ts';
import { settingsPatchSchema, settingsSchema } from './settings.ts';
import { messageEventSchema, selfTestStepSchema, snapshotSchema, stateUpdateSchema } from './state.ts';
import { certificateFactsSchema, trustActionSchema, trustSchema } from './trust.ts';
import { verdictSchema } from './verdict.ts';

const idInput = z.object({ id: z.string().min(1).max(100) });

const trustStoresInput = z.object({ stores: z.array(z.string().max(5_000)).max(1_000).optional() });

export const applicationSchema = z.object({
  /** What goes into the settings: a path, or `flatpak:`, `snap:`, `appimage:`. */
  application: z.string(),
  name: z.string(),
  path: z.string(),
  /** PNG or SVG as a data URL, when the program has an icon. */
  icon: z.string().optional(),
  users: z.array(z.string()),
  /** Processes that run now; 0 for an installed program that does not run. */
  processes: z.number(),
  /** Open mail connections: `imap.example.org:993`. */
  connections: z.array(z.string()),
  interpreter: z.boolean(),
});
export type Application = z.infer<typeof applicationSchema>;

export const quarantineEntrySchema = z.object({
  id: z.string(),
  at: z.iso.datetime(),
  sha256: z.string(),
  sizeBytes: z.number(),
  verdict: verdictSchema,
  server: z.string(),
  sender: z.string().optional(),
  subject: z.string().optional(),
});
export type QuarantineEntry = z.infer<typeof quarantineEntrySchema>;

export const api = {
  state: {
    get: oc.output(snapshotSchema),
    watch: oc.output(eventIterator(stateUpdateSchema)),
  },
  settings: {
    get: oc.output(settingsSchema),
    /** Applies one patch whole or not at all, and answers with the settings as stored. */
    update: oc
      .input(settingsPatchSchema)
      .output(settingsSchema)
      .errors({ NOT_SAVED: { message: 'settings-not-saved' } }),
    reset: oc.output(settingsSchema).errors({ NOT_SAVED: { message: 'settings-not-saved' } }),
  },
  applications: {
    running: oc.output(z.array(applicationSchema)),
    installed: oc.output(z.array(applicationSchema)),
  },
  connections: {
    list: oc.output(z.array(connectionSchema)),
    /** Closes the given connections, or all that live by older rules than today's; answers with their number. */
    close: oc
      .input(z.object({ ids: z.array(z.number()).max(10_000).optional() }))
      .output(z.object({ closed: z.number() })),
    /** Ends mail connections that were open before the interception began; answers with their number. */
    closeDirect: oc.output(z.object({ closed: z.number() })),
  },
  protection: {
    /** Walks all protocols through the real interception; a step at a time. */
    selfTest: oc.output(eventIterator(selfTestStepSchema)),
    /** Tries at once what is tried again later anyway: to set up an interception that is unavailable. */
    retry: oc.output(z.object({})),
  },
  trust: {
    /** Looks at every store anew. */
    status: oc.output(trustSchema),
    /** Puts the roots into stores: into the given ones, or into all that take them without an administrator. */
    install: oc.input(trustStoresInput).output(z.array(trustActionSchema)),
    /** Takes out what was put in; everywhere, where no store is given. */
    remove: oc.input(trustStoresInput).output(z.array(trustActionSchema)),
    /** Opens TLS again for what was learnt to refuse it: for the given ones, or for all. */
    forget: oc.input(z.object({ ids: z.array(z.string()).max(10_000).optional() })).output(z.object({})),
    /** The root's certificate as PEM, without its key. */
    certificate: oc.output(z.object({ pem: z.string(), facts: certificateFactsSchema })),
    /** Makes a new root in place of the present one, puts it where that one was, and takes that one out. */
    replace: oc.output(z.array(trustActionSchema)),
    /** The certificate that a server shows, for a rule. */
    ofServer: oc
      .input(z.object({ host: z.string().min(1).max(253), port: z.number().int().min(1).max(65_535) }))
      .output(certificateFactsSchema)
      .errors({
        UNREACHABLE: { message: 'upstream-unreachable' },
        NO_TLS: { message: 'upstream-tls-failed' },
      }),
    /** The certificate in a file: PEM, or DER in base64. */
    ofFile: oc
      .input(z.object({ text: z.string().max(1_000_000) }))
      .output(certificateFactsSchema)
      .errors({ NO_CERTIFICATE: { message: 'invalid-input' } }),
  },
  messages: {
    /** Newest first. */
    list: oc
      .input(z.object({ limit: z.number().int().min(1).max(1_000).default(100) }))
      .output(z.array(messageEventSchema)),
  },
  quarantine: {
    list: oc.output(z.array(quarantineEntrySchema)),
    show: oc
      .input(idInput)
      .output(quarantineEntrySchema)
      .errors({ NOT_FOUND: { message: 'not-found' } }),
    /** The original, octet for octet, in base64 chunks that are decoded one by one. */
    restore: oc
      .input(idInput)
      .output(eventIterator(z.object({ base64: z.string() })))
      .errors({ NOT_FOUND: { message: 'not-found' } }),
  },
  console: {
    /** A fresh one-time URL. Answered on the unix socket alone. */
    url: oc
      .output(z.object({ url: z.string() }))
      .errors({ FORBIDDEN: { message: 'invalid-input' }, NOT_RUNNING: { message: 'not-running' } }),
  },
};
