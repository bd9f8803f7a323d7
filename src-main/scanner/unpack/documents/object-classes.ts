// Classes of embedded objects that matter, and the monikers of linked ones (MS-OLEDS §2.3.3, MS-SHLLINK, MS-OSHARED).

/** Class ids as their octets stand: Equation 2 and 3, MathType. The editor of the former has holes that stay. */
const equationClasses = new Set([
  '02ce020000000000c000000000000046',
  '00ce020000000000c000000000000046',
  '03ce020000000000c000000000000046',
  '01ce020000000000c000000000000046',
]);

export function isEquationClass(clsid: string): boolean {
  return equationClasses.has(clsid);
}

/** A class by its name, as RTF and OLE 1 write it. */
export function isEquationName(name: string): boolean {
  return /^equation(?:\.\d)?$/i.test(name.trim());
}

/** Monikers that load something: URL; and those that make an object of what they load: New, SOAP, script. */
const urlMoniker = Buffer.from('e0c9ea79f9bace118c8200aa004ba90b', 'hex');
const loadingMonikers = [
  'c6afabec197fd211978e0000f8757e2a',
  'c7b0abec197fd211978e0000f8757e2a',
  'd30b2906aa48d2118432006008c3fbfc',
].map((id) => Buffer.from(id, 'hex'));
const fileMoniker = Buffer.from('0303000000000000c000000000000046', 'hex');

/** Octets of a link's source. */
const maxLinkBytes = 4096;

/** Whether a target is elsewhere: a scheme that fetches, or a host that a name server would have to know. */
export function isRemote(target: string): boolean {
  const text = target.trim().replaceAll('\\', '/');
  if (
    /^(?:https?|ftps?|mhtml|ms-[a-z]+|search-ms|javascript|vbscript|webdavs?|script|its|mk|res|ldap):/i.test(
      text,
    )
  )
    return true;
  // A host of one label is one's own network; dots, ports and @SSL may be anybody's.
  const host = /^(?:file:)?\/{2,}([^/]+)/i.exec(text)?.[1];
  return host !== undefined && /[.@]/.test(host) && !/^[a-z][:|]/i.test(host) && host !== '.';
}

/** The source of a linked object in an `\x01Ole` stream, where it is elsewhere. */
export function linkOf(stream: Buffer): string | undefined {
  if (loadingMonikers.some((each) => stream.includes(each))) return 'script:';
  for (const moniker of [urlMoniker, fileMoniker]) {
    const at = stream.indexOf(moniker);
    if (at === -1) continue;
    const rest = stream.subarray(at + moniker.length, at + moniker.length + maxLinkBytes);
    for (const text of [rest.toString('latin1').replaceAll('\0', ''), rest.toString('latin1')]) {
      const target = /(?:https?:|ftps?:|mhtml:|script:|file:|\\\\)[\x21-\x7e]+/i.exec(text)?.[0];
      if (target !== undefined && isRemote(target)) return target;
    }
  }
  return undefined;
}
