// Every limit of the scanner, each with its reason. Reaching one gives a limit code and `complete: false`, never "clean".

const mebibyte = 1024 * 1024;

export interface ScanLimits {
  /** Octets of a message; a larger one is not scanned at all. */
  readonly messageBytes: number;
  /** Octets of one decoded part or archive member. */
  readonly partBytes: number;
  /** Octets that all archives of one message unpack to. */
  readonly unpackedBytes: number;
  /** Octets out for each octet in, looked at above `unpackRatioFromBytes`. */
  readonly unpackRatio: number;
  readonly unpackRatioFromBytes: number;
  /** Archives within archives. */
  readonly archiveDepth: number;
  /** Members of all archives of one message. */
  readonly archiveMembers: number;
  /** Multiparts and encoded messages within each other. */
  readonly mimeDepth: number;
  /** Parts of one message. */
  readonly mimeParts: number;
  /** Octets of one header block. */
  readonly headerBytes: number;
  /** Milliseconds after which a scan looks at nothing new. */
  readonly softMs: number;
  /** Milliseconds after which a worker is given up, with its message. */
  readonly hardMs: number;
}

export const defaultLimits: ScanLimits = {
  // Common providers stop at 25 to 50 MB; twice that leaves room for base64.
  messageBytes: 100 * mebibyte,
  // One decoded part is in memory as a whole, beside the message.
  partBytes: 50 * mebibyte,
  unpackedBytes: 200 * mebibyte,
  // Text rarely goes beyond 20:1; deflate ends at 1032:1. Small archives of zeros are no bombs.
  unpackRatio: 200,
  unpackRatioFromBytes: 10 * 1000 * 1000,
  archiveDepth: 10,
  archiveMembers: 2_000,
  // Real mail stays below 10; mail programs give up between 50 and 256.
  mimeDepth: 50,
  mimeParts: 1_000,
  headerBytes: 256 * 1024,
  // Mail programs wait 60 s or more for an answer.
  softMs: 60_000,
  hardMs: 90_000,
};

/** Detections that one verdict names; more of them say nothing new. */
export const maxDetections = 64;

/** Notes of one verdict, for the same reason. */
export const maxNotes = 32;

/** Octets of text that passwords are looked for in. */
export const passwordTextBytes = 256 * 1024;

/** YARA gives up after this many milliseconds (it counts in whole seconds). */
export const yaraTimeoutMs = 5_000;

/** A pattern that matches at each octet would give millions of match objects. */
export const matchesPerPattern = 16;

/** Body starts looked at for each part: malformed headers can be read in several ways. */
export const startsPerPart = 4;

/** Ends looked at for each body start: a line may be a boundary to one mail program and text to another. */
export const softEndsPerStart = 4;

/** Octets decoded from overlapping readings of one message, as a multiple of its size, and a base for small ones. */
export const overlapFactor = 8;
export const overlapBaseBytes = mebibyte;

/** Octets decoded of texts that were encoded themselves, as a multiple of the message, and a base for what archives give:
 *  what is forwarded in base64 shrinks with each layer, while quoted-printable may have dozens of equal size. */
export const layersFactor = 2;
export const layersBaseBytes = 16 * mebibyte;

/** Octets of a name in a verdict. */
export const nameBytes = 255;

/** Octets of messages that are with the workers; more of them wait. */
export const inFlightBytes = 64 * mebibyte;

/** Messages given to one worker at once, so that it never waits for the next small one. */
export const jobsPerWorker = 8;

/** Octets with one worker beyond which it gets no second message. */
export const bytesPerWorker = mebibyte;

/** Messages that one worker works ahead on while they arrive; each may take as much memory as its largest part. */
export const followedPerWorker = 2;

/** Messages that may wait; each connection holds a few dozen at most. */
export const waitingMessages = 4_096;

/** Octets in memory of those that wait; what is larger than a MiB waits in a file. */
export const waitingBytes = 256 * mebibyte;

/** Characters of a sender or a subject that are kept for people. */
export const summaryCharacters = 500;

/** Milliseconds of one request to the unpacking process: the largest archives that are within the limits take about 5 s. */
export const unpackerTimeoutMs = 10_000;

/** Resident octets of the unpacking process; with a small archive it takes about 125 MB, with the largest 230. */
export const unpackerMemoryBytes = 512 * mebibyte;

/** Milliseconds without a request after which the unpacking process is ended: it starts in a fraction of a second. */
export const unpackerIdleMs = 60_000;
