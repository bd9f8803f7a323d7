// The Advanced setup tree as data: which pages there are, their sections and rows, and where each setting stands.
// The screen is drawn from it; a suite adds its own pages here.
import type { LayoutNode, LayoutPage } from './layout-nodes.ts';
import { scanningPage } from './scanning-page.ts';
import { tlsPage } from './tls-page.ts';

const master = 'mailTransport.enabled';

const mailTransportPage: LayoutPage = {
  kind: 'page',
  id: 'mail-transport',
  label: 'page.mail-transport',
  lead: 'page.mail-transport.lead',
  remark: 'page.mail-transport.mapi',
  helpId: 'CONFIG_EPFW_SCAN_IMAP',
  live: 'mail-protection',
  sections: [
    {
      id: 'mail-transport',
      label: 'section.mail-transport',
      rows: [
        {
          kind: 'toggle',
          path: 'mailTransport.enabled',
          label: 'row.mail-transport.enabled',
          hint: 'hint.mail-transport.enabled',
        },
        {
          kind: 'toggle',
          path: 'mailTransport.scanImap',
          label: 'row.mail-transport.scan-imap',
          hint: 'hint.mail-transport.scan-imap',
          master,
        },
        {
          kind: 'toggle',
          path: 'mailTransport.scanImaps',
          label: 'row.mail-transport.scan-imaps',
          hint: 'hint.mail-transport.scan-imaps',
          master,
        },
        {
          kind: 'toggle',
          path: 'mailTransport.scanPop3',
          label: 'row.mail-transport.scan-pop3',
          hint: 'hint.mail-transport.scan-pop3',
          master,
        },
        {
          kind: 'toggle',
          path: 'mailTransport.scanPop3s',
          label: 'row.mail-transport.scan-pop3s',
          hint: 'hint.mail-transport.scan-pop3s',
          master,
        },
        {
          kind: 'ports',
          path: 'mailTransport.imapsPorts',
          label: 'row.mail-transport.imaps-ports',
          hint: 'hint.mail-transport.imaps-ports',
          master,
        },
        {
          kind: 'ports',
          path: 'mailTransport.pop3sPorts',
          label: 'row.mail-transport.pop3s-ports',
          hint: 'hint.mail-transport.pop3s-ports',
          master,
        },
        {
          kind: 'ports',
          path: 'mailTransport.localPorts',
          label: 'row.mail-transport.local-ports',
          hint: 'hint.mail-transport.local-ports',
          master,
        },
      ],
    },
    {
      id: 'exclusions',
      label: 'section.exclusions',
      rows: [
        {
          kind: 'applications',
          path: 'mailTransport.excludedApplications',
          label: 'row.mail-transport.excluded-applications',
          hint: 'hint.mail-transport.excluded-applications',
          master,
        },
        {
          kind: 'addresses',
          path: 'mailTransport.excludedAddresses',
          label: 'row.mail-transport.excluded-addresses',
          hint: 'hint.mail-transport.excluded-addresses',
          master,
        },
      ],
    },
    {
      id: 'when-stopped',
      label: 'section.when-stopped',
      rows: [
        {
          kind: 'choice',
          path: 'mailTransport.whenStopped',
          label: 'row.mail-transport.when-stopped',
          hint: 'hint.mail-transport.when-stopped',
          options: [
            { value: 'pass', label: 'choice.when-stopped-pass' },
            { value: 'block', label: 'choice.when-stopped-block' },
          ],
          master,
        },
      ],
    },
  ],
};

const unless = { path: 'response.delivery', value: 'unchanged' } as const;

const responsePage: LayoutPage = {
  kind: 'page',
  id: 'response',
  label: 'page.response',
  lead: 'page.response.lead',
  remark: 'page.response.remark',
  helpId: 'CONFIG_RESPONSE',
  sections: [
    {
      id: 'response',
      label: 'section.response',
      rows: [
        {
          kind: 'choice',
          path: 'response.delivery',
          label: 'row.response.delivery',
          hint: 'hint.response.delivery',
          options: [
            { value: 'keep-alive', label: 'choice.delivery-keep-alive' },
            { value: 'silent', label: 'choice.delivery-silent' },
            { value: 'unchanged', label: 'choice.delivery-unchanged' },
          ],
        },
        {
          kind: 'choice',
          path: 'response.tagMessages',
          label: 'row.response.tag-messages',
          hint: 'hint.response.tag-messages',
          options: [
            { value: 'never', label: 'choice.tag-never' },
            { value: 'on-detection', label: 'choice.tag-on-detection' },
          ],
          unless,
        },
        {
          kind: 'toggle',
          path: 'response.updateSubject',
          label: 'row.response.update-subject',
          hint: 'hint.response.update-subject',
          unless,
        },
        {
          kind: 'text',
          path: 'response.subjectText',
          label: 'row.response.subject-text',
          hint: 'hint.response.subject-text',
          master: 'response.updateSubject',
          unless,
        },
      ],
    },
  ],
};

const userInterfacePage: LayoutPage = {
  kind: 'page',
  id: 'user-interface',
  label: 'page.user-interface',
  lead: 'page.user-interface.lead',
  helpId: 'CONFIG_USER_INTERFACE',
  sections: [
    {
      id: 'appearance',
      label: 'section.appearance',
      rows: [
        {
          kind: 'choice',
          path: 'appearance.language',
          label: 'row.appearance.language',
          hint: 'hint.appearance.language',
          options: [
            { value: 'system', label: 'choice.system' },
            { value: 'en', label: 'choice.language-en' },
            { value: 'nb', label: 'choice.language-nb' },
          ],
        },
        {
          kind: 'choice',
          path: 'appearance.theme',
          label: 'row.appearance.theme',
          hint: 'hint.appearance.theme',
          options: [
            { value: 'system', label: 'choice.system' },
            { value: 'light', label: 'choice.theme-light' },
            { value: 'dark', label: 'choice.theme-dark' },
          ],
        },
      ],
    },
  ],
};

export const settingsTree: readonly LayoutNode[] = [
  {
    kind: 'group',
    id: 'protections',
    label: 'tree.protections',
    children: [
      {
        kind: 'group',
        id: 'email-client-protection',
        label: 'tree.email-client-protection',
        children: [mailTransportPage, responsePage, scanningPage],
      },
      tlsPage,
    ],
  },
  userInterfacePage,
];
