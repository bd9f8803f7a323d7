// "Excluded applications": the list of programs whose mail passes untouched. Add opens the picker, Edit the entry.
import { parseApplicationRule } from '../../src-main/contract/application-rule.ts';
import type { ApplicationsRow } from '../../src-main/contract/layout-nodes.ts';
import type { ExcludedApplication } from '../../src-main/contract/settings.ts';
import { useApp, useSettings } from '../app-context.ts';
import { ProgramTile } from '../components/ProgramTile.tsx';
import { applicationProblemText } from '../components/problem-words.ts';
import { useSpeech } from '../i18n.ts';
import { edit, valueAt } from '../state/draft-store.ts';
import { ApplicationEntryDialog } from './ApplicationEntryDialog.tsx';
import { ApplicationPicker } from './ApplicationPicker.tsx';
import styles from './applications.module.css';
import type { Checked, TypedEntry } from './entry-lines.ts';
import { ListDialog } from './ListDialog.tsx';
import { useProgramLooks } from './use-programs.ts';

export function ApplicationListDialog({
  row,
  onClose,
}: {
  readonly row: ApplicationsRow;
  readonly onClose: () => void;
}) {
  const { say } = useSpeech();
  const { draft } = useApp();
  const settings = useSettings();
  const look = useProgramLooks();

  const check = (typed: TypedEntry): Checked<ExcludedApplication> => {
    const parsed = parseApplicationRule(typed.text);
    return parsed.ok
      ? {
          ok: true,
          entry: { application: typed.text, ...(typed.note !== undefined && { note: typed.note }) },
        }
      : {
          ok: false,
          text: typed.text,
          problem: `${typed.text}: ${applicationProblemText(say, parsed.problem)}`,
        };
  };

  return (
    <ListDialog<ExcludedApplication>
      title={row.label}
      lead="applications.lead"
      none="applications.none"
      columns={[
        {
          id: 'name',
          label: 'applications.column.name',
          cell: ({ application }) => {
            const { name, icon } = look(application);
            return (
              <span className={styles['named']}>
                <ProgramTile name={name} icon={icon} />
                {name}
              </span>
            );
          },
        },
        {
          id: 'path',
          label: 'applications.column.path',
          cell: ({ application }) => <span className={styles['path']}>{application}</span>,
        },
        { id: 'note', label: 'applications.column.note', cell: ({ note }) => note ?? '' },
      ]}
      entries={valueAt(settings, draft.getState().edits, row.path)}
      keyOf={({ application }) => application}
      exchange={{
        kind: 'lines',
        typedOf: ({ application, note }) => ({ text: application, ...(note !== undefined && { note }) }),
        check,
        many: 'applications.field',
        name: 'postern-excluded-applications.txt',
      }}
      editor={(editor) =>
        editor.entry === undefined ? (
          <ApplicationPicker
            title="applications.add-title"
            lead="applications.lead"
            already="picker.already"
            interpreter="picker.interpreter"
            present={editor.present}
            room={editor.room}
            onPick={(applications) => editor.onSave(applications.map((application) => ({ application })))}
            onClose={editor.onClose}
          />
        ) : (
          <ApplicationEntryDialog {...editor} />
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
