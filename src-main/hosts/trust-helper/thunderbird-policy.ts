// Thunderbird's policy for the machine: a copy of the certificate, named in policies.json beside whatever else that says. What
// it said before is kept, and comes back octet for octet when nobody else has changed it since.
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { exists, type Machine, makeDirectory, putFile, Refusal, readFile, removeIfEmpty } from './files.ts';
import type { StoreChange } from './request.ts';

const directory = '/etc/thunderbird/policies';

/** Where Thunderbird looks when /etc has no policies: a file there would put these out of force. */
const otherPolicies = ['/usr/lib/thunderbird', '/usr/lib64/thunderbird', '/opt/thunderbird'].map(
  (program) => `${program}/distribution/policies.json`,
);

type JsonObject = Record<string, unknown>;

/** What lies beside policies.json: its octets before our first entry (base64; null: no file), and the hash of those we wrote. */
interface Kept {
  readonly before: string | null;
  readonly written: string;
}

const hashOf = (octets: string | Buffer) => createHash('sha256').update(octets).digest('hex');

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The object under a name, made where there is none. */
function objectIn(parent: JsonObject, name: string): JsonObject {
  const found = Object.hasOwn(parent, name) ? parent[name] : {};
  if (!isObject(found)) throw new Refusal(`policies.json: ${name} is no object`);
  parent[name] = found;
  return found;
}

/** Policies as text, with the list of certificates in them. `write`: undefined when a list leaves nothing; empty objects go. */
function policiesIn(octets: Buffer | undefined) {
  let document: unknown;
  let text = '{\n  "policies": {}\n}\n';
  try {
    if (octets) text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
    document = JSON.parse(text);
  } catch (error) {
    throw new Refusal(`policies.json: ${error}`);
  }
  if (!isObject(document)) throw new Refusal('policies.json is no object');
  const top = document;
  const policies = objectIn(top, 'policies');
  const certificates = objectIn(policies, 'Certificates');
  const list: unknown = Object.hasOwn(certificates, 'Install') ? certificates['Install'] : [];
  if (!Array.isArray(list)) throw new Refusal('policies.json: Install is no list');
  const write = (entries: readonly unknown[]): string | undefined => {
    certificates['Install'] = entries;
    if (entries.length === 0) delete certificates['Install'];
    if (Object.keys(certificates).length === 0) delete policies['Certificates'];
    if (Object.keys(policies).length === 0) delete top['policies'];
    if (Object.keys(top).length === 0) return undefined;
    const indentation = /\n([ \t]+)"/.exec(text)?.[1] ?? '';
    const written = JSON.stringify(top, undefined, indentation) + (text.endsWith('\n') ? '\n' : '');
    return text.includes('\r\n') ? written.replaceAll('\n', '\r\n') : written;
  };
  return { list: list.map((entry: unknown) => entry), write };
}

const isOurs = (entry: unknown) =>
  typeof entry === 'string' && /^\/etc\/thunderbird\/policies\/postern-[0-9a-f]{16}\.crt$/.test(entry);

/** Undefined, too, when somebody else wrote it: then there is nothing to come back to. */
function keptIn(octets: Buffer | undefined, policies: Buffer | undefined): Kept | undefined {
  try {
    const { before, written }: Kept = JSON.parse(octets?.toString() ?? 'null');
    return written === hashOf(policies ?? '') ? { before, written } : undefined;
  } catch {
    return undefined;
  }
}

/** The three files, each as it is. */
function look(machine: Machine, id: string) {
  const file = (name: string) => {
    const path = join(machine.root, directory, name);
    return { path, found: readFile(machine, path) };
  };
  return {
    copy: file(`postern-${id}.crt`),
    policies: file('policies.json'),
    kept: file('policies.json.postern'),
  };
}

/** What is to be in the policies, and in the record beside them; undefined: no such file. */
function next({ policies, kept }: ReturnType<typeof look>, action: StoreChange['action'], entry: string) {
  const present = policies.found?.octets;
  const known = keptIn(kept.found?.octets, present);
  const before = known ? known.before : (present?.toString('base64') ?? null);
  const original = before === null ? undefined : Buffer.from(before, 'base64');
  const { list, write } = policiesIn(present);
  const rest = list.filter((each) => each !== entry);
  const wanted = action === 'install' ? [...list, entry] : rest;
  const comesBack = known && !wanted.some(isOurs) && !policiesIn(original).list.some(isOurs);
  const text = comesBack ? original : write(wanted);
  const isKept = text !== undefined && wanted.some(isOurs) && (known || action === 'install');
  return {
    isThere: rest.length < list.length,
    text,
    record: isKept ? JSON.stringify({ before, written: hashOf(text) }) : undefined,
  };
}

/**
 * Has Thunderbird trust the certificate, or no longer. Answers whether anything was to be done; throws, with all as it was,
 * where that failed.
 */
export function changeThunderbirdPolicy(machine: Machine, { action, authority }: StoreChange): boolean {
  const { id, pem } = authority;
  const found = look(machine, id);
  const { copy, policies, kept } = found;
  const isInstall = action === 'install';
  if (copy.found && copy.found.octets.toString() !== pem)
    throw new Refusal(`${copy.path} is not as it was written`);
  const hidden = otherPolicies.find((path) => exists(join(machine.root, path)));
  if (isInstall && !policies.found && hidden !== undefined)
    throw new Refusal(`a file in /etc would end the policies in ${hidden}`);
  const { isThere, text, record } = next(found, action, `${directory}/postern-${id}.crt`);
  if (isInstall ? isThere && copy.found : !isThere && !copy.found) return false;
  const content = (octets: string | Buffer | undefined, mode = 0o644) =>
    octets === undefined ? undefined : { octets: Buffer.from(octets), mode };
  try {
    if (isInstall) makeDirectory(machine, join(machine.root, directory));
    putFile(machine, copy.path, content(isInstall ? pem : undefined));
    if (!isInstall || !isThere) putFile(machine, kept.path, content(record, 0o600));
    if (isInstall !== isThere) putFile(machine, policies.path, content(text, policies.found?.mode));
  } catch (error) {
    for (const { path, found } of [policies, kept, copy]) putFile(machine, path, found);
    throw error;
  }
  for (const path of [directory, '/etc/thunderbird']) removeIfEmpty(machine, join(machine.root, path));
  return true;
}
