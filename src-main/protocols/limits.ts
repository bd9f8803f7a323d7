// Every limit of the protocol engines, each with its reason. What goes past one ends the connection with a
// reason; nothing is passed unscanned for it.

/** RFC 9051 gives no maximum; real servers and clients stay below 8 KiB, large UID sets and ENVELOPEs reach 40 KiB. */
export const imapLineBytes = 64 * 1024;

/** All octets of one response outside held content (ENVELOPE and header literals): what the engine itself keeps. */
export const imapResponseBytes = 4 * 1024 * 1024;

/** RFC 1939 allows 512 octets a response line, RFC 2449 255 a command; real SASL tokens are longer. */
export const pop3LineBytes = 64 * 1024;

/** Client octets kept while a command waits for a scan; then the client is no longer read from. */
export const pendingClientBytes = 1024 * 1024;

/** Octets that wait behind a held message before the server is no longer read from. */
export const heldOutputBytes = 1024 * 1024;

/** Messages that are scanned at once on one connection before the server is no longer read from. */
export const heldMessages = 32;

/** Strings of one response that are content; each holds a spool. A real answer has a handful. */
export const responseContents = 256;

/** Stretches of one response around its literals: an ENVELOPE with thousands of recipients has some thousand. */
export const responseSegments = 16_384;

/** A header ends at its first empty line; one that is longer than this is treated as content. */
export const headerBytes = 256 * 1024;

/** The first bytes of a server that decide which protocol it speaks. */
export const greetingBytes = 64 * 1024;

/** A ClientHello in records (RFC 8446 §5.1: 16 KiB a record; post-quantum key shares need under 2 KiB). */
export const clientHelloBytes = 16 * 1024 + 5;

/** Commands without their tagged answer; mbsync pipelines one a message, and each costs the engine an entry. */
export const outstandingCommands = 4096;

/** Whole messages that are fetched at once for a command that names pieces of many: each holds a spool. */
export const pieceBatch = 16;

/** Intervals without a word to the client (10 s each) after which kept messages go: their spools are needed elsewhere. */
export const keptIntervals = 6;

/** Whole messages kept for the next piece (Thunderbird reads 20 MB in 329 commands): each holds a spool. */
export const keptWholes = 4;

/** Answers out of one kept message before it is fetched anew: a burst of commands costs no more memory than that. */
export const keptServings = 16;

/** Body lines of a message whose ends are remembered, so that any TOP with so many is cut out of it. */
export const indexedBodyLines = 1_000;

/** What is kept of a message's beginning for a client that waits: at 4 octets in 10 s it lasts for over 40 minutes. */
export const earlyHeaderBytes = 1024;
