// "Application scan rules": what is done with the TLS of single programs. Add opens the picker, Edit the rule.
import type { ApplicationRulesRow } from '../../src-main/contract/layout-nodes.ts';
import type { ApplicationScanRule } from '../../src-main/contract/settings.ts';
import { useApp, useSettings } from '../app-context.ts';
import { ProgramTile } from '../components/ProgramTile.tsx';
import { applicationProblemText } from '../components/problem-words.ts';
import { useSpeech } from '../i18n.ts';
import { edit, valueAt } from '../state/draft-store.ts';
import styles from './applications.module.css';
import { EndOf } from './EndTime.tsx';
import type { Checked, TypedEntry } from './entry-lines.ts';
import { ListDialog } from './ListDialog.tsx';
import { AddScanRulesDialog, EditScanRuleDialog } from './ScanRuleDialogs.tsx';
import { parseScanRuleLine, scanRuleLine } from './scan-rule-lines.ts';
import { useProgramLooks } from './use-programs.ts';

export interface ScanRuleListDialogProps {
  readonly row: ApplicationRulesRow;
  readonly onClose: () => void;
}

export function ScanRuleListDialog({ row, onClose }: ScanRuleListDialogProps) {
  const { say } = useSpeech();
  const { draft } = useApp();
  const settings = useSettings();
  const look = useProgramLooks();

  const check = (typed: TypedEntry): Checked<ApplicationScanRule> => {
    const parsed = parseScanRuleLine(typed);
    if (parsed.ok) return { ok: true, entry: parsed.rule };
    const problem =
      parsed.problem === 'action'
        ? say('problem.scan-rule.action', { text: typed.text })
        : `${typed.text}: ${applicationProblemText(say, parsed.problem)}`;
    return { ok: false, text: typed.text, problem };
  };

  return (
    <ListDialog<ApplicationScanRule>
      title={row.label}
      lead="scan-rules.lead"
      none="scan-rules.none"
      columns={[
        {
          id: 'name',
          label: 'applications.column.name',
          cell: ({ application }) => {
            const { name, icon } = look(application);
            return (
              <span className={styles['named']}>
                <ProgramTile name={name} icon={icon} />
                <span className={styles['name']}>
                  {name}
                  <span className={styles['path']}>{application}</span>
                </span>
              </span>
            );
          },
        },
        {
          id: 'action',
          label: 'rules.column.action',
          cell: ({ action }) => say(`rules.scan.${action}`),
        },
        { id: 'note', label: 'applications.column.note', cell: ({ note }) => note ?? '' },
        { id: 'until', label: 'rules.column.until', cell: ({ until }) => <EndOf until={until} /> },
      ]}
      entries={valueAt(settings, draft.getState().edits, row.path)}
      keyOf={({ application }) => application}
      exchange={{
        kind: 'lines',
        typedOf: scanRuleLine,
        check,
        many: 'scan-rules.many',
        name: 'postern-application-rules.txt',
      }}
      editor={(editor) =>
        editor.entry === undefined ? (
          <AddScanRulesDialog {...editor} />
        ) : (
          <EditScanRuleDialog {...editor} entry={editor.entry} />
        )
      }
      onOk={(entries) => {
        edit(draft, row.path, entries);
        onClose();
      }}
      onClose={onClose}
    />
  );
}
