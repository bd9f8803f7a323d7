// Who is at the client's end of a connection: the kernel's socket diagnosis (sock_diag(7)) names uid and inode of the
// client's own socket, /proc the process. One of the two files that make system calls by koffi. Never throws.
import { networkInterfaces } from 'node:os';
import { parseAddressEntry } from '../../contract/address-list.ts';
import type { ConnectionOwner, Endpoint } from '../../contract/connection.ts';
import type { HelperAnswer } from './helper-messages.ts';
import { createProcessSockets, ownerDeadlineMs } from './process-sockets.ts';
import { createProgramCache, type Identify } from './program-cache.ts';

/** A socket's process as the netfilter helper names it. */
type HelperOwner = NonNullable<HelperAnswer['owner']>;

export interface SocketOwnersOptions {
  /** Names the program of a process, or undefined when that can't be seen. Its answer is kept while the program runs. */
  readonly identify: Identify;
  /** The user that this process runs as: root sees whose any socket is, others only their own. */
  readonly uid?: number;
  /** Asks who may see them for the sockets of other users; undefined when it can't tell. Not called by root. */
  readonly askHelper?: ((inode: number, uid: number) => Promise<HelperOwner | undefined>) | undefined;
  readonly procRoot?: string;
  /** Milliseconds on a clock that only goes forward. */
  readonly now?: () => number;
}

export interface SocketOwners {
  /**
   * The owner of the socket that connects `local` to `remote`, both as its own program sees them: for a redirected
   * connection `remote` is the destination that was meant. Undefined when there is no such socket here. Once its program has
   * closed it only the user is known, and by older kernels taken for root.
   */
  find(local: Endpoint, remote: Endpoint): Promise<ConnectionOwner | undefined>;
  /** May be called twice. */
  close(): void;
}

/** linux/netlink.h, linux/sock_diag.h, linux/inet_diag.h, bits/socket.h. */
const afNetlink = 16;
const sockRawCloexec = 3 | 0o2000000;
const netlinkSockDiag = 4;
const sockDiagByFamily = 20;
const nlmFRequest = 1;
const msgDontWait = 0x40;
const ipprotoTcp = 6;
const [afInet, afInet6] = [2, 10];

/** nlmsghdr and inet_diag_req_v2. */
const requestBytes = 72;
/** nlmsghdr and inet_diag_msg; attributes follow. */
const answerBytes = 88;
const uidOffset = 80;
const inodeOffset = 84;
/** Room for one answer with all its attributes. */
const bufferBytes = 4_096;
/** Answers of earlier requests that may lie before ours: each request reads its own at once, so hardly any. */
const maxStaleAnswers = 8;

interface Calls {
  readonly send: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly recv: (fd: number, bytes: Uint8Array, length: number, flags: number) => number;
  readonly close: (fd: number) => number;
  readonly fd: number;
}

/** Splits the zone from an address: `fe80::1%eth0` with its interface index. */
function withoutZone(text: string): { readonly address: string; readonly scopeId: number } {
  const [address = '', zone] = text.split('%');
  const known = zone === undefined ? undefined : networkInterfaces()[zone];
  const scopeId = known
    ?.flatMap((each) => (each.family === 'IPv6' ? [each.scopeid] : []))
    .find((id) => id > 0);
  return { address, scopeId: scopeId ?? 0 };
}

/** The request for exactly one socket, or undefined when these are no two addresses of one family. */
export function diagRequest(local: Endpoint, remote: Endpoint, sequence: number): Uint8Array | undefined {
  const ends = [withoutZone(local.address), withoutZone(remote.address)] as const;
  const [from, to] = [parseAddressEntry(ends[0].address), parseAddressEntry(ends[1].address)];
  if (!from.ok || !to.ok || from.range.family !== to.range.family) return undefined;
  const { family } = from.range;
  const bytes = new Uint8Array(requestBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, requestBytes, true);
  view.setUint16(4, sockDiagByFamily, true);
  view.setUint16(6, nlmFRequest, true);
  view.setUint32(8, sequence, true);
  bytes[16] = family === 4 ? afInet : afInet6;
  bytes[17] = ipprotoTcp;
  view.setUint32(20, 0xffffffff, true); // every state
  view.setUint16(24, local.port);
  view.setUint16(26, remote.port);
  const address = (offset: number, value: bigint) => {
    if (family === 4) view.setUint32(offset, Number(value));
    else for (let i = 0; i < 16; i++) bytes[offset + i] = Number((value >> BigInt(8 * (15 - i))) & 0xffn);
  };
  address(28, from.range.from);
  address(44, to.range.from);
  view.setUint32(60, ends[0].scopeId || ends[1].scopeId, true);
  bytes.fill(0xff, 64); // INET_DIAG_NOCOOKIE
  return bytes;
}

/** Uid and inode in an answer; `other` is not the answer to this request. The inode is 0 once its program has closed it. */
export function readDiagAnswer(
  bytes: Uint8Array,
  sequence: number,
):
  | { readonly kind: 'found'; readonly uid: number; readonly inode: number }
  | { readonly kind: 'none' | 'other' } {
  if (bytes.length < 16) return { kind: 'other' };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(8, true) !== sequence) return { kind: 'other' };
  if (view.getUint16(4, true) !== sockDiagByFamily || bytes.length < answerBytes) return { kind: 'none' };
  return { kind: 'found', uid: view.getUint32(uidOffset, true), inode: view.getUint32(inodeOffset, true) };
}

async function openNetlink(): Promise<Calls | undefined> {
  try {
    const { default: koffi } = await import('koffi');
    const libc = koffi.load(null);
    const socket: (domain: number, type: number, protocol: number) => number =
      libc.func('int socket(int, int, int)');
    const fd = socket(afNetlink, sockRawCloexec, netlinkSockDiag);
    if (fd < 0) return undefined;
    return {
      fd,
      send: libc.func('long send(int, _In_ uint8_t *, size_t, int)'),
      recv: libc.func('long recv(int, _Out_ uint8_t *, size_t, int)'),
      close: libc.func('int close(int)'),
    };
  } catch {
    return undefined;
  }
}

/** What a helper says in time; one that fails, or takes too long, knows nobody. */
async function inTime(ask: () => Promise<HelperOwner | undefined>): Promise<HelperOwner | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), ownerDeadlineMs);
  try {
    return await Promise.race([ask(), late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}

/** Opens the diagnosis socket. On a machine that has none, `find` knows nobody. */
export async function openSocketOwners({
  identify,
  uid: ownUid = process.geteuid?.() ?? 0,
  askHelper,
  procRoot = '/proc',
  now = () => performance.now(),
}: SocketOwnersOptions): Promise<SocketOwners> {
  let calls = await openNetlink();
  const processes = createProcessSockets({ procRoot, now });
  const programOf = createProgramCache({ identify, procRoot });
  const buffer = new Uint8Array(bufferBytes);
  let sequence = 0;

  function diagnose(local: Endpoint, remote: Endpoint): { uid: number; inode: number } | undefined {
    sequence = (sequence % 0x7fffffff) + 1;
    const request = diagRequest(local, remote, sequence);
    if (!calls || !request || calls.send(calls.fd, request, request.length, 0) < 0) return undefined;
    // The kernel has answered before send returns: waiting for more would be waiting for ever.
    for (let tries = 0; tries <= maxStaleAnswers; tries++) {
      const length = calls.recv(calls.fd, buffer, buffer.length, msgDontWait);
      if (length < 0) return undefined;
      const answer = readDiagAnswer(buffer.subarray(0, length), sequence);
      if (answer.kind === 'found') return answer;
      if (answer.kind === 'none') return undefined;
    }
    return undefined;
  }

  async function ownerOf(inode: number, uid: number): Promise<Omit<ConnectionOwner, 'uid'>> {
    // Its program has closed it.
    if (inode === 0) return {};
    if (ownUid !== 0 && uid !== ownUid)
      return (askHelper && (await inTime(() => askHelper(inode, uid)))) ?? {};
    const pid = await processes.find(inode, uid);
    return pid === undefined ? {} : { pid, ...programOf(pid) };
  }

  return {
    async find(local, remote) {
      const socket = diagnose(local, remote);
      if (!socket) return undefined;
      const { pid, path, sandboxId, script } = await ownerOf(socket.inode, socket.uid);
      return { uid: socket.uid, pid, path, sandboxId, script };
    },
    close() {
      calls?.close(calls.fd);
      calls = undefined;
    },
  };
}
