// What the configurations of mail programs say of the certificates that they accept: the names of the options and the
// files in them, never another word of a line, for passwords stand beside them. Includes are not followed.

/** How one account, or one file, judges servers. */
export type Requirement =
  /** By these files, and (`system`) by the machine's bundle as well. */
  | {
      readonly kind: 'authorities';
      readonly option: string;
      readonly files: readonly string[];
      readonly system: boolean;
    }
  /** By a fingerprint of the server's certificate. */
  | { readonly kind: 'pinned'; readonly option: string }
  /** Not at all. */
  | { readonly kind: 'unchecked'; readonly option: string };

export interface Configuration {
  readonly program: string;
  /** Below the home directory; the first that is there is read. */
  readonly places: readonly string[];
  readonly read: (lines: readonly string[]) => Requirement[];
}

const isOff = (value: string) => /^(no|off|false|0)$/i.test(value);

/** One setting of one file, by the name of its option in lower case. */
interface Setting {
  readonly option: string;
  readonly value: string;
}

/** A value without its quotes. */
function unquoted(value: string): string {
  return /^(["'])(.*)\1$/.exec(value.trim())?.[2] ?? value.trim();
}

/** `Option value`, `option = value`; the rest of the line is the value. */
function settingOf(line: string): Setting[] {
  const [, option, value] = /^\s*([A-Za-z][\w-]*)[\s=:]+(\S.*)$/.exec(line) ?? [];
  return option === undefined || value === undefined
    ? []
    : [{ option: option.toLowerCase(), value: unquoted(value) }];
}

/** Splits settings where one of these options opens the next section. */
function sectionsOf(settings: readonly Setting[], openers: RegExp): Setting[][] {
  const sections: Setting[][] = [[]];
  for (const setting of settings) {
    if (openers.test(setting.option)) sections.push([]);
    sections.at(-1)?.push(setting);
  }
  return sections;
}

const valueIn = (settings: readonly Setting[], option: string) =>
  settings.findLast((setting) => setting.option === option)?.value;

const filesIn = (settings: readonly Setting[], options: readonly string[]) =>
  options.flatMap((option) => valueIn(settings, option) ?? []);

/** mbsync(1): `CertificateFile` adds to the machine's authorities unless `SystemCertificates no`. */
function readMbsync(lines: readonly string[]): Requirement[] {
  return sectionsOf(lines.flatMap(settingOf), /^(imapaccount|imapstore|maildirstore|channel|group)$/).flatMap(
    (section): Requirement[] => {
      const files = filesIn(section, ['certificatefile']);
      const system = !isOff(valueIn(section, 'systemcertificates') ?? 'yes');
      if (files.length === 0 && system) return [];
      return [{ kind: 'authorities', option: 'CertificateFile', files, system }];
    },
  );
}

/** muttrc(5): `set a=b c="d"`, `unset a`, `set noa`, several in one line. */
function muttSettings(line: string): Setting[] {
  const [, command, rest = ''] = /^\s*(set|unset|reset)\s+(.*)$/.exec(line) ?? [];
  if (command === undefined) return [];
  const words = rest.match(/[\w-]+(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s"']+))?|#.*/g) ?? [];
  return words.flatMap((word): Setting[] => {
    if (word.startsWith('#')) return [];
    const [, name = '', value] = /^([\w-]+)(?:\s*=\s*(.*))?$/.exec(word) ?? [];
    if (command !== 'set') return [{ option: name, value: 'no' }];
    if (value !== undefined) return [{ option: name, value: unquoted(value) }];
    return name.startsWith('no')
      ? [{ option: name.slice('no'.length), value: 'no' }]
      : [{ option: name, value: 'yes' }];
  });
}

/** Also `certificate_file`, into which certificates go that a person has accepted, is one of authorities. */
function readMutt(lines: readonly string[]): Requirement[] {
  const settings = lines.flatMap(muttSettings);
  const named = filesIn(settings, ['ssl_ca_certificates_file', 'certificate_file']);
  const files = named.filter((file) => !isOff(file));
  const system = !isOff(valueIn(settings, 'ssl_usesystemcerts') ?? 'yes');
  if (files.length === 0 && system) return [];
  return [{ kind: 'authorities', option: 'ssl_ca_certificates_file', files, system }];
}

/** msmtp(1), mpop(1): per account; `tls_trust_file` is all that is asked, and is the machine's where it says `system`. */
function readMsmtp(lines: readonly string[]): Requirement[] {
  const settings = lines.flatMap((line): Setting[] =>
    /^\s*defaults\s*$/.test(line) ? [{ option: 'defaults', value: '' }] : settingOf(line),
  );
  return sectionsOf(settings, /^(account|defaults)$/).flatMap((section): Requirement[] => {
    const pin = valueIn(section, 'tls_fingerprint');
    if (pin) return [{ kind: 'pinned', option: 'tls_fingerprint' }];
    if (isOff(valueIn(section, 'tls_certcheck') ?? 'on'))
      return [{ kind: 'unchecked', option: 'tls_certcheck' }];
    const file = valueIn(section, 'tls_trust_file');
    if (file === undefined || file === 'system') return [];
    return [{ kind: 'authorities', option: 'tls_trust_file', files: [file], system: false }];
  });
}

/** fetchmail(1): words, not lines, decide; `sslcertfile` adds to the machine's authorities. */
function readFetchmail(lines: readonly string[]): Requirement[] {
  const words = lines.flatMap(
    (line) => line.match(/"(?:\\.|[^"\\])*\\?(?:"|$)|'[^']*(?:'|$)|#.*|[^\s"'#=,;:]+/g) ?? [],
  );
  const isWord = (option: string) => words.some((word) => word.toLowerCase() === option);
  const valuesOf = (option: string) =>
    words.flatMap((word, at) => (word.toLowerCase() === option ? unquoted(words[at + 1] ?? '') : []));
  const authorities = ['sslcertfile', 'sslcertpath'].flatMap((option): Requirement[] => {
    const files = valuesOf(option);
    return files.map((file) => ({
      kind: 'authorities',
      option,
      files: [file],
      system: option === 'sslcertfile',
    }));
  });
  return [
    ...authorities,
    ...(isWord('sslfingerprint') ? [{ kind: 'pinned' as const, option: 'sslfingerprint' }] : []),
    ...(isWord('nosslcertck') ? [{ kind: 'unchecked' as const, option: 'nosslcertck' }] : []),
  ];
}

/** INI files, each section an account; `defaults` are values that stand for the machine's bundle. */
function iniReader(names: {
  readonly file: string;
  readonly pin: string;
  readonly machine: RegExp;
}): (lines: readonly string[]) => Requirement[] {
  return (lines) => {
    const settings = lines.flatMap((line): Setting[] =>
      /^\s*\[.*\]\s*$/.test(line) ? [{ option: '[', value: '' }] : settingOf(line),
    );
    return sectionsOf(settings, /^\[$/).flatMap((section): Requirement[] => {
      if (valueIn(section, names.pin)) return [{ kind: 'pinned', option: names.pin }];
      const file = valueIn(section, names.file);
      if (file === undefined || names.machine.test(file)) return [];
      return [{ kind: 'authorities', option: names.file, files: [file], system: false }];
    });
  };
}

const offlineimap = iniReader({ file: 'sslcacertfile', pin: 'cert_fingerprint', machine: /^OS-DEFAULT$/ });
const getmail = iniReader({ file: 'ca_certs', pin: 'ssl_fingerprints', machine: /^system$/ });

export const configurations: readonly Configuration[] = [
  { program: 'mbsync', places: ['.mbsyncrc', '.config/isyncrc'], read: readMbsync },
  { program: 'mutt', places: ['.muttrc', '.mutt/muttrc', '.config/mutt/muttrc'], read: readMutt },
  {
    program: 'NeoMutt',
    places: ['.neomuttrc', '.neomutt/neomuttrc', '.config/neomutt/neomuttrc'],
    read: readMutt,
  },
  { program: 'msmtp', places: ['.msmtprc', '.config/msmtp/config'], read: readMsmtp },
  { program: 'mpop', places: ['.mpoprc', '.config/mpop/config'], read: readMsmtp },
  { program: 'fetchmail', places: ['.fetchmailrc', '.config/fetchmail/fetchmailrc'], read: readFetchmail },
  { program: 'OfflineIMAP', places: ['.offlineimaprc', '.config/offlineimap/config'], read: offlineimap },
  { program: 'getmail', places: ['.getmail/getmailrc', '.config/getmail/getmailrc'], read: getmail },
];
