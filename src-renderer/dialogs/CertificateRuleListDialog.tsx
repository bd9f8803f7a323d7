// "Certificate rules": what is done with single servers, by the name that is asked for or by their certificate.
import type { CertificateRulesRow } from '../../src-main/contract/layout-nodes.ts';
import { type CertificateRule, maxListEntries } from '../../src-main/contract/settings.ts';
import { useApp, useSettings } from '../app-context.ts';
import { ruleProblemText } from '../components/problem-words.ts';
import { useSpeech } from '../i18n.ts';
import { edit, valueAt } from '../state/draft-store.ts';
import styles from './applications.module.css';
import { CertificateRuleDialog } from './CertificateRuleDialog.tsx';
import { readRules, ruleKey, writeRules } from './certificate-rule-form.ts';
import { EndOf } from './EndTime.tsx';
import { ListDialog } from './ListDialog.tsx';

/** Enough of a fingerprint to tell a few apart. */
const shownDigits = 16;

export interface CertificateRuleListDialogProps {
  readonly row: CertificateRulesRow;
  readonly onClose: () => void;
}

export function CertificateRuleListDialog({ row, onClose }: CertificateRuleListDialogProps) {
  const { say, number } = useSpeech();
  const { draft } = useApp();
  const settings = useSettings();

  const readFile = (text: string) => {
    const read = readRules(text);
    if (read.ok) return { ok: true, entries: read.rules } as const;
    if (read.kind !== 'rule') {
      const problem =
        read.kind === 'no-list'
          ? say('problem.rules-file')
          : say('problem.list-full', { limit: number(maxListEntries) });
      return { ok: false, problem } as const;
    }
    return {
      ok: false,
      problem: say('problem.rules-file-rule', {
        number: number(read.number),
        problem: ruleProblemText(say, read.problem),
      }),
    } as const;
  };

  const conditions = ({ host, sha256, subject, issuer }: CertificateRule) => (
    <span className={styles['name']}>
      {host}
      {sha256 !== undefined && (
        <span className={styles['path']} title={sha256}>
          {say('certificate.sha256')} {sha256.slice(0, shownDigits)}…
        </span>
      )}
      {subject !== undefined && (
        <span className={styles['path']}>
          {say('certificate.subject')}: {subject}
        </span>
      )}
      {issuer !== undefined && (
        <span className={styles['path']}>
          {say('certificate.issuer')}: {issuer}
        </span>
      )}
    </span>
  );

  return (
    <ListDialog<CertificateRule>
      title={row.label}
      lead="certificate-rules.lead"
      none="certificate-rules.none"
      columns={[
        { id: 'name', label: 'certificate-rules.column.name', cell: ({ name }) => name },
        { id: 'conditions', label: 'certificate-rules.column.conditions', cell: conditions },
        {
          id: 'access',
          label: 'certificate-rules.column.access',
          cell: ({ access }) => say(`rules.access.${access}`),
        },
        {
          id: 'scan',
          label: 'certificate-rules.column.scan',
          cell: ({ scan }) => say(`rules.scan.${scan}`),
        },
        { id: 'until', label: 'rules.column.until', cell: ({ until }) => <EndOf until={until} /> },
      ]}
      entries={valueAt(settings, draft.getState().edits, row.path)}
      keyOf={ruleKey}
      nameOf={({ name }) => name}
      exchange={{
        kind: 'document',
        write: writeRules,
        read: readFile,
        type: 'application/json',
        name: 'postern-certificate-rules.json',
      }}
      editor={(editor) => <CertificateRuleDialog {...editor} />}
      onOk={(entries) => {
        edit(draft, row.path, entries);
        onClose();
      }}
      onClose={onClose}
    />
  );
}
