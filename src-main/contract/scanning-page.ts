// The page "Scan parameters" of the Advanced setup.
import type { LayoutPage } from './layout-nodes.ts';

export const scanningPage: LayoutPage = {
  kind: 'page',
  id: 'scan-parameters',
  label: 'page.scan-parameters',
  lead: 'page.scan-parameters.lead',
  remark: 'page.scan-parameters.remark',
  helpId: 'CONFIG_SCAN_PARAMETERS',
  sections: [
    {
      id: 'objects',
      label: 'section.objects',
      rows: [
        {
          kind: 'toggle',
          path: 'scanning.emailFiles',
          label: 'row.scanning.email-files',
          hint: 'hint.scanning.email-files',
        },
        {
          kind: 'toggle',
          path: 'scanning.archives',
          label: 'row.scanning.archives',
          hint: 'hint.scanning.archives',
        },
        {
          kind: 'toggle',
          path: 'scanning.selfExtracting',
          label: 'row.scanning.self-extracting',
          hint: 'hint.scanning.self-extracting',
        },
      ],
    },
    {
      id: 'scan-options',
      label: 'section.scan-options',
      rows: [
        {
          kind: 'toggle',
          path: 'scanning.heuristics',
          label: 'row.scanning.heuristics',
          hint: 'hint.scanning.heuristics',
        },
        {
          kind: 'toggle',
          path: 'scanning.suspiciousAttachments',
          label: 'row.scanning.suspicious-attachments',
          hint: 'hint.scanning.suspicious-attachments',
        },
        {
          kind: 'toggle',
          path: 'scanning.phishingLinks',
          label: 'row.scanning.phishing-links',
          hint: 'hint.scanning.phishing-links',
        },
        {
          kind: 'toggle',
          path: 'scanning.unwanted',
          label: 'row.scanning.unwanted',
          hint: 'hint.scanning.unwanted',
        },
      ],
    },
    {
      id: 'scan-limits',
      label: 'section.scan-limits',
      rows: [
        {
          kind: 'number',
          path: 'scanning.maxMessageMiB',
          label: 'row.scanning.max-message',
          hint: 'hint.scanning.max-message',
          unit: 'unit.mebibytes',
        },
        {
          kind: 'number',
          path: 'scanning.maxSeconds',
          label: 'row.scanning.max-seconds',
          hint: 'hint.scanning.max-seconds',
          unit: 'unit.seconds',
        },
        {
          kind: 'number',
          path: 'scanning.archiveDepth',
          label: 'row.scanning.archive-depth',
          hint: 'hint.scanning.archive-depth',
          unit: 'unit.levels',
        },
        {
          kind: 'number',
          path: 'scanning.maxMemberMiB',
          label: 'row.scanning.max-member',
          hint: 'hint.scanning.max-member',
          unit: 'unit.mebibytes',
        },
        {
          kind: 'number',
          path: 'scanning.maxUnpackedMiB',
          label: 'row.scanning.max-unpacked',
          hint: 'hint.scanning.max-unpacked',
          unit: 'unit.mebibytes',
        },
      ],
    },
    {
      id: 'engines',
      label: 'section.engines',
      rows: [
        {
          kind: 'text',
          path: 'scanning.clamd',
          label: 'row.scanning.clamd',
          hint: 'hint.scanning.clamd',
        },
        {
          kind: 'text',
          path: 'scanning.icap',
          label: 'row.scanning.icap',
          hint: 'hint.scanning.icap',
        },
        {
          kind: 'choice',
          path: 'scanning.whenEngineDown',
          label: 'row.scanning.when-engine-down',
          hint: 'hint.scanning.when-engine-down',
          options: [
            { value: 'deliver', label: 'choice.engine-down-deliver' },
            { value: 'withhold', label: 'choice.engine-down-withhold' },
          ],
        },
      ],
    },
  ],
};
