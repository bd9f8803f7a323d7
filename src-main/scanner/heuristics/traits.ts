// What unpackers notice of what they unpack, for the heuristics to judge. Facts, not opinions.

export const traits = [
  // Archives.
  'encrypted-archive',
  /** The names in it can be read, and one is a program's. */
  'encrypted-program-name',
  /** A word of the message opened it. */
  'opened-by-password',
  'split-archive',
  /** Its two headers of a member, or its overlapping members, say different things. */
  'contradictory-archive',
  'self-extracting',
  // Documents.
  'encrypted-document',
  'vba-macros',
  'vba-auto-run',
  /** Words that start programs, write files or fetch things. */
  'vba-acting-words',
  /** Compiled code is there and its source is not. */
  'vba-stomped',
  'xlm-macros',
  'xlm-auto-run',
  'xlm-acting-words',
  'dde-link',
  'remote-template',
  'remote-object',
  'ole-package',
  'ole-program',
  'equation-object',
  'activex-object',
  'rtf-object',
  /** Written so that simple readers miss it, or loaded without anybody's asking. */
  'rtf-hidden-object',
  'one-note-file',
  'pdf-javascript',
  'pdf-open-action',
  'pdf-launch',
  'pdf-embedded-file',
  'shortcut-to-interpreter',
  'shortcut-with-hidden-arguments',
  // Web pages.
  'html-decodes',
  'html-makes-file',
  'html-downloads',
  'html-script',
  'html-password-form',
  'html-refresh',
  'link-host-differs',
  'link-punycode',
  'link-mixed-script',
  /** A host as the user's name before the real one: `http://bank.example@elsewhere.example/`. */
  'link-user-info',
  'link-ip-address',
  /** `javascript:`, `file:`, `ms-word:` and their like. */
  'link-program-scheme',
] as const;
export type Trait = (typeof traits)[number];
