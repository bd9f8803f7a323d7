// What is looked into and which rules count, as the user chose; every worker has a copy.

/** Rules that can be switched off together. Signatures of malware are in no group: they always count. */
export const ruleGroups = ['heuristics', 'attachments', 'phishing', 'unwanted'] as const;
export type RuleGroup = (typeof ruleGroups)[number];

export interface InspectOptions {
  /** Messages that are attached as files. */
  readonly emailFiles: boolean;
  readonly archives: boolean;
  readonly selfExtracting: boolean;
  readonly groups: readonly RuleGroup[];
}

export const defaultOptions: InspectOptions = {
  emailFiles: true,
  archives: true,
  selfExtracting: true,
  groups: ['heuristics', 'attachments', 'phishing'],
};
