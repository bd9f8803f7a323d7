// The page "SSL/TLS" of the Advanced setup.
import type { LayoutPage } from './layout-nodes.ts';

const master = 'tls.enabled';

export const tlsPage: LayoutPage = {
  kind: 'page',
  id: 'ssl-tls',
  label: 'page.ssl-tls',
  lead: 'page.ssl-tls.lead',
  remark: 'page.ssl-tls.remark',
  helpId: 'CONFIG_SSL_TLS',
  live: 'trust',
  sections: [
    {
      id: 'ssl-tls',
      label: 'section.ssl-tls',
      rows: [
        { kind: 'toggle', path: 'tls.enabled', label: 'row.tls.enabled', hint: 'hint.tls.enabled' },
        {
          kind: 'choice',
          path: 'tls.mode',
          label: 'row.tls.mode',
          hint: 'hint.tls.mode',
          options: [
            { value: 'automatic', label: 'choice.tls-mode-automatic' },
            { value: 'policy', label: 'choice.tls-mode-policy' },
          ],
          master,
        },
        {
          kind: 'choice',
          path: 'tls.whenUntrusted',
          label: 'row.tls.when-untrusted',
          hint: 'hint.tls.when-untrusted',
          options: [
            { value: 'show', label: 'choice.certificate-show' },
            { value: 'block', label: 'choice.certificate-block' },
          ],
          master,
        },
        {
          kind: 'choice',
          path: 'tls.whenInvalid',
          label: 'row.tls.when-invalid',
          hint: 'hint.tls.when-invalid',
          options: [
            { value: 'show', label: 'choice.certificate-show' },
            { value: 'block', label: 'choice.certificate-block' },
          ],
          master,
        },
        {
          kind: 'choice',
          path: 'tls.minVersion',
          label: 'row.tls.min-version',
          hint: 'hint.tls.min-version',
          options: [
            { value: '1.2', label: 'choice.tls-version-1-2' },
            { value: '1.3', label: 'choice.tls-version-1-3' },
          ],
          master,
        },
      ],
    },
    {
      id: 'tls-rules',
      label: 'section.tls-rules',
      rows: [
        {
          kind: 'application-rules',
          path: 'tls.applicationRules',
          label: 'row.tls.application-rules',
          hint: 'hint.tls.application-rules',
          master,
        },
        {
          kind: 'certificate-rules',
          path: 'tls.certificateRules',
          label: 'row.tls.certificate-rules',
          hint: 'hint.tls.certificate-rules',
          master,
        },
      ],
    },
    {
      id: 'root-certificate',
      label: 'section.root-certificate',
      rows: [
        {
          kind: 'toggle',
          path: 'tls.installRoot',
          label: 'row.tls.install-root',
          hint: 'hint.tls.install-root',
          master,
        },
      ],
      live: 'root-certificate',
    },
  ],
};
