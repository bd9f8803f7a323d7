// What is odd about a link: it leads elsewhere than its text says, to a host that only looks like another, or to a
// program. The only user of tldts (the Public Suffix List).
import { domainToUnicode } from 'node:url';
import { parse } from 'tldts';
import type { Trait } from '../../heuristics/traits.ts';

/** Of one page that are looked at; one with more of them is a directory, and no letter to anybody. */
export const maxLinks = 500;

/** Characters of a link's text that are looked at: a longer one is no address. */
export const linkTextCharacters = 300;

/** Characters of an address that are looked at; browsers give up at some thousands. */
const addressCharacters = 8_192;

/** Schemes by which an address starts a program, or opens what lies on another machine as a file. */
const programSchemes = /^(?:javascript|vbscript|file|search|search-ms|shell|mk|its|ms-(?!settings)[a-z-]+):/i;

/** One word that reads as an address; the host is the first group. No user: an e-mail address is no link. */
const visibleAddress =
  /^(https?:\/\/)?((?:[\p{L}\p{N}_-]{1,63}\.){1,10}[\p{L}\p{N}-]{2,63})\.?(?::\d{1,5})?([/?#]\S*)?$/iu;

/** Endings of files that are top-level domains too: `report.zip` is a file until more speaks for a host. */
const fileEndings = new Set(
  'zip mov sh py pl ps rs md app ai java cc cab com doc st so ms mp ml in la im is gl sc dk pm vi bz'.split(
    ' ',
  ),
);

/** Mailing services whose links count clicks and never show where they lead, in honest mail as in other. */
const countingServices = new Set(
  'sendgrid.net list-manage.com list-manage1.com rs6.net exct.net mandrillapp.com hubspotlinks.com awstrack.me mailchi.mp createsend.com cmail19.com cmail20.com sailthru.com mlsend.com'.split(
    ' ',
  ),
);

/** Cyrillic and Greek letters that look like Latin ones, and Latin ones that look like others (UTS 39). */
const lookalikes = /^[аеорсухіјѕԁԛԝһӏԍвкмнтгѵүп\d-]+$|^[οανικρτυχε\d-]+$|[ɑɡɩʟʀǃƅꞵ]/u;

/** Scripts that are written together: Japanese, Korean, Chinese (as browsers have it); else one alone. */
const writtenTogether: readonly RegExp[] = [
  /^[\p{Script=Latin}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Common}\p{Script=Inherited}]*$/u,
  /^[\p{Script=Latin}\p{Script=Han}\p{Script=Hangul}\p{Script=Common}\p{Script=Inherited}]*$/u,
  /^[\p{Script=Latin}\p{Script=Han}\p{Script=Bopomofo}\p{Script=Common}\p{Script=Inherited}]*$/u,
];

const scripts: readonly RegExp[] = [
  'Latin',
  'Cyrillic',
  'Greek',
  'Armenian',
  'Georgian',
  'Cherokee',
  'Hebrew',
  'Arabic',
  'Devanagari',
  'Thai',
  'Han',
  'Hiragana',
  'Katakana',
  'Hangul',
].map((script) => new RegExp(`\\p{Script=${script}}`, 'u'));

function isMixed(label: string): boolean {
  if (scripts.filter((script) => script.test(label)).length < 2) return false;
  return !writtenTogether.some((together) => together.test(label));
}

function registrable(host: string): { readonly domain: string; readonly suffix: string } | undefined {
  const { domain, publicSuffix, isIcann, isIp } = parse(host, { allowPrivateDomains: false });
  if (domain === null || publicSuffix === null || isIcann !== true || isIp === true) return undefined;
  return { domain, suffix: publicSuffix };
}

/** `bytes` as characters (`latin1`) to text, where they are UTF-8. */
function textOf(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('utf8');
}

/** Decodes percent escapes, also doubled ones, and leaves alone what is none. */
function decoded(text: string): string {
  let reading = text;
  for (let round = 0; round < 2 && reading.includes('%'); round++)
    reading = reading.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    );
  return reading.toLowerCase();
}

/** Whether `text` reads as an address on another registrable domain than `url`, and nothing in `url` explains it. */
function hostDiffers(text: string, url: URL): boolean {
  const [, scheme, host, rest] = visibleAddress.exec(text) ?? [];
  if (host === undefined) return false;
  const ascii = URL.parse(`http://${host}`)?.hostname;
  const visible = ascii === undefined ? undefined : registrable(ascii);
  if (ascii === undefined || visible === undefined) return false;
  const isBare = scheme === undefined && rest === undefined && !/^www\d?\./i.test(host);
  if (isBare && fileEndings.has(visible.suffix) && visible.suffix !== 'com') return false;
  if (isBare && visible.suffix === 'com' && !host.toLowerCase().endsWith('.com')) return false;
  const actual = registrable(url.hostname);
  if (actual?.domain === visible.domain) return false;
  if (actual !== undefined && countingServices.has(actual.domain)) return false;
  // Mailing services and search engines lead on to what stands in their addresses.
  return !decoded(`${url.pathname}${url.search}${url.hash}`).includes(visible.domain);
}

/** Whether an IPv4 address is one that anybody's own network has (RFC 1918, RFC 1122 §3.2.1.3). */
function isPrivate(address: string): boolean {
  return /^(?:10|127|192\.168|172\.(?:1[6-9]|2\d|3[01]))\./.test(address);
}

function* hostTraits(url: URL, written: string): Generator<Trait> {
  const { hostname } = url;
  if (/^\d+(?:\.\d+){3}$/.test(hostname)) {
    if (!isPrivate(hostname) || !written.includes(hostname)) yield 'link-ip-address';
  } else if (hostname.startsWith('[')) yield 'link-ip-address';
  if (!hostname.includes('xn--')) return;
  const labels = domainToUnicode(hostname).split('.');
  const top = labels.at(-1) ?? '';
  const isLatinTop = /^[a-z]+$/.test(top);
  for (const label of labels) {
    if (/^[ -~]*$/.test(label)) continue;
    if (isMixed(label)) {
      yield 'link-mixed-script';
      yield 'link-punycode';
    } else if (isLatinTop && lookalikes.test(label)) yield 'link-punycode';
  }
}

/**
 * What is odd about one link.
 * @param href its address, references decoded; characters are octets
 * @param text what people see of it, tags left out and references decoded; undefined: it is the target of a form
 */
export function* linkTraits(href: string, text: string | undefined): Generator<Trait> {
  // Browsers leave out tabs and line ends, and blanks and control characters before the address (URL Standard §4.4).
  const address = textOf(href.slice(0, addressCharacters)).replace(/^[\0-\x20]+|[\t\r\n]+/g, '');
  if (programSchemes.test(address)) yield 'link-program-scheme';
  if (!/^https?:/i.test(address)) return;
  const url = URL.parse(address);
  if (url === null) return;
  // `http://www.bank.example@elsewhere.example/`: the user's name is there to be read as a host.
  if (registrable(decoded(url.username)) !== undefined) yield 'link-user-info';
  yield* hostTraits(url, address);
  const visible = text === undefined ? '' : textOf(text).trim();
  if (visible !== '' && visible.length <= linkTextCharacters && hostDiffers(visible, url))
    yield 'link-host-differs';
}
