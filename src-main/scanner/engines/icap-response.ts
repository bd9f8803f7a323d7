// Reads one ICAP response (RFC 3507 §4.3) from octets in any pieces: strict, and bounded.

/** Octets of all header lines of one response, trailers and encapsulated ones with them. */
const maxHeadBytes = 64 * 1024;

/** Octets of one line: a threat's name and what the server has to say. */
const maxLineBytes = 8 * 1024;

/** Sections of an Encapsulated field: two headers and a body. */
const maxSections = 3;

export interface IcapResponse {
  readonly status: number;
  /** By lower-case name; a folded line begins with a line feed. */
  readonly fields: ReadonlyMap<string, string>;
  /** Of the HTTP response within; undefined: there is none. */
  readonly httpStatus: number | undefined;
  readonly hasBody: boolean;
}

export interface IcapReaderEvents {
  /** `100 Continue`: the rest of the body is wanted. */
  onContinue(): void;
  onBody(bytes: Buffer): void;
}

interface Section {
  readonly name: string;
  readonly sizeBytes: number;
}

const fieldLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):(.*)$/;
const foldedLine = /^[ \t](.*)$/;

/** The sections of `res-hdr=0, res-body=137`, and whether a body follows them (RFC 3507 §4.4.1). */
function readEncapsulated(value: string): { sections: readonly Section[]; hasBody: boolean } | undefined {
  const entries = value.split(',').map((entry) => /^\s*([a-z]+-(?:hdr|body))=(\d{1,5})\s*$/.exec(entry));
  if (entries.length > maxSections) return undefined;
  const sections: Section[] = [];
  let start = 0;
  let name: string | undefined;
  for (const [, next, offset] of entries.map((entry) => entry ?? [])) {
    const at = Number(offset);
    if (next === undefined || name?.endsWith('-body') === true || !(at >= start)) return undefined;
    if (name === undefined && at !== 0) return undefined;
    if (name !== undefined) sections.push({ name, sizeBytes: at - start });
    name = next;
    start = at;
  }
  if (name?.endsWith('-body') !== true || start > maxHeadBytes) return undefined;
  return { sections, hasBody: name !== 'null-body' };
}

type State = 'status' | 'fields' | 'sections' | 'size' | 'data' | 'data-end' | 'trailer' | 'done' | 'bad';

export class IcapReader {
  readonly #events: IcapReaderEvents;
  #state: State = 'status';
  #held: Buffer = Buffer.alloc(0);
  #headBytes = 0;
  #status = 0;
  #continues = 0;
  #fields = new Map<string, string>();
  #lastField = '';
  #sections: Section[] = [];
  #hasBody = false;
  #httpStatus: number | undefined;
  /** Of the section or chunk that is being read. */
  #left = 0;
  #pieces: Buffer[] = [];

  constructor(events: IcapReaderEvents) {
    this.#events = events;
  }

  /** `bad`: this is no ICAP, or more of it than anybody needs; nothing that follows can be trusted. */
  push(data: Buffer): 'more' | 'done' | 'bad' {
    this.#held = this.#held.length === 0 ? data : Buffer.concat([this.#held, data]);
    while (this.#state !== 'done' && this.#state !== 'bad') {
      const hasGone = this.#state === 'sections' || this.#state === 'data' ? this.#octets() : this.#line();
      if (!hasGone) return 'more';
    }
    return this.#state;
  }

  /** Whether octets have come that belong to no response. */
  get hasRest(): boolean {
    return this.#held.length > 0;
  }

  get response(): IcapResponse {
    return {
      status: this.#status,
      fields: this.#fields,
      httpStatus: this.#httpStatus,
      hasBody: this.#hasBody,
    };
  }

  /** Takes counted octets; false: it needs more. */
  #octets(): boolean {
    const piece = this.#held.subarray(0, this.#left);
    this.#held = this.#held.subarray(piece.length);
    this.#left -= piece.length;
    const isAll = this.#left === 0;
    if (this.#state === 'data') {
      if (piece.length > 0) this.#events.onBody(piece);
      if (isAll) this.#state = 'data-end';
    } else {
      this.#pieces.push(piece);
      if (isAll) this.#endSection();
    }
    return isAll;
  }

  /** Takes one line; false: it needs more. */
  #line(): boolean {
    const end = this.#held.indexOf(0x0a);
    const isTooLong = end === -1 ? this.#held.length > maxLineBytes : end > maxLineBytes;
    if (end === -1 && !isTooLong) return false;
    // The data of a message has its own bound, and its chunks lie between such lines.
    if (this.#state !== 'size' && this.#state !== 'data-end') this.#headBytes += end + 1;
    if (isTooLong || this.#headBytes > maxHeadBytes || this.#held[end - 1] !== 0x0d) this.#state = 'bad';
    else {
      const text = this.#held.toString('latin1', 0, end - 1);
      this.#held = this.#held.subarray(end + 1);
      this.#state = this.#afterLine(text);
    }
    return true;
  }

  #afterLine(text: string): State {
    if (text.includes('\0')) return 'bad';
    switch (this.#state) {
      case 'status': {
        const status = /^ICAP\/1\.\d (\d{3})(?: |$)/.exec(text)?.[1];
        this.#status = Number(status);
        return status === undefined ? 'bad' : 'fields';
      }
      case 'fields':
        return text === '' ? this.#afterHead() : this.#field(text);
      case 'size': {
        const size = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i.exec(text)?.[1];
        if (size === undefined) return 'bad';
        this.#left = Number.parseInt(size, 16);
        return this.#left === 0 ? 'trailer' : 'data';
      }
      case 'data-end':
        return text === '' ? 'size' : 'bad';
      case 'trailer':
        return text === '' ? 'done' : 'trailer';
      default:
        throw new Error(`no line is read in the state ${this.#state}`);
    }
  }

  #field(text: string): State {
    const folded = foldedLine.exec(text)?.[1];
    const before = this.#fields.get(this.#lastField);
    if (folded !== undefined && before !== undefined) {
      this.#fields.set(this.#lastField, `${before}\n${folded.trim()}`);
      return 'fields';
    }
    const [, name = '', value = ''] = fieldLine.exec(text) ?? [];
    const key = name.toLowerCase();
    // Two of it would be read in two ways.
    if (key === '' || (key === 'encapsulated' && this.#fields.has(key))) return 'bad';
    if (!this.#fields.has(key)) this.#fields.set(key, value.trim());
    this.#lastField = key;
    return 'fields';
  }

  #afterHead(): State {
    if (this.#status === 100) {
      this.#fields.clear();
      if (++this.#continues > 1) return 'bad';
      this.#events.onContinue();
      return 'status';
    }
    const value = this.#fields.get('encapsulated');
    if (this.#status === 204 || value === undefined) return 'done';
    const encapsulated = readEncapsulated(value);
    if (!encapsulated) return 'bad';
    this.#sections = [...encapsulated.sections];
    this.#hasBody = encapsulated.hasBody;
    return this.#nextSection();
  }

  #nextSection(): State {
    const next = this.#sections[0];
    if (!next) return this.#hasBody ? 'size' : 'done';
    this.#left = next.sizeBytes;
    return 'sections';
  }

  #endSection(): void {
    const section = this.#sections.shift();
    const text = Buffer.concat(this.#pieces.splice(0)).toString('latin1');
    if (section?.name === 'res-hdr') {
      const status = /^HTTP\/\d\.\d (\d{3})(?:[ \r]|$)/.exec(text)?.[1];
      this.#httpStatus = Number(status);
      if (status === undefined) this.#state = 'bad';
    }
    if (this.#state !== 'bad') this.#state = this.#nextSection();
  }
}
