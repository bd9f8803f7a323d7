// Application scan rules made for programs that are picked, and one edited by hand: program, action, end and note.
import { useState } from 'react';
import { type ApplicationScanRule, scanActions } from '../../src-main/contract/settings.ts';
import { Choice } from '../components/Choice.tsx';
import styles from '../components/dialog.module.css';
import { useSpeech } from '../i18n.ts';
import { ApplicationEntryForm } from './ApplicationEntryForm.tsx';
import { ApplicationPicker } from './ApplicationPicker.tsx';
import { EndTimeFields, untilOf, useEndTime } from './EndTime.tsx';
import type { EntryEditor } from './ListDialog.tsx';

interface ActionChoiceProps {
  readonly action: ApplicationScanRule['action'];
  readonly onAction: (action: ApplicationScanRule['action']) => void;
}

function ActionChoice({ action, onAction }: ActionChoiceProps) {
  const { say } = useSpeech();
  return (
    <Choice
      label={say('rules.column.action')}
      value={action}
      values={scanActions}
      wordsOf={(each) => `rules.scan.${each}`}
      onValue={onAction}
    />
  );
}

export function AddScanRulesDialog({ present, room, onSave, onClose }: EntryEditor<ApplicationScanRule>) {
  const { say } = useSpeech();
  // Whoever makes a rule wants something else than without it.
  const [action, setAction] = useState<ApplicationScanRule['action']>('ignore');
  const time = useEndTime(undefined);
  return (
    <ApplicationPicker
      title="scan-rules.add-title"
      lead="scan-rules.add-lead"
      already="scan-rules.already"
      interpreter="scan-rules.interpreter"
      present={present}
      room={room}
      isWrong={time.end === 'wrong'}
      onPick={(applications) => {
        if (time.end === 'wrong') return;
        const end = untilOf(time.end);
        onSave(applications.map((application) => ({ application, action, ...end })));
      }}
      onClose={onClose}
    >
      <div className={`${styles['form'] ?? ''} ${styles['rule'] ?? ''}`}>
        <EndTimeFields
          label={say('rules.duration')}
          time={time}
          before={<ActionChoice action={action} onAction={setAction} />}
        />
      </div>
    </ApplicationPicker>
  );
}

interface EditScanRuleProps extends EntryEditor<ApplicationScanRule> {
  readonly entry: ApplicationScanRule;
}

export function EditScanRuleDialog({ entry, present, onSave, onClose }: EditScanRuleProps) {
  const { say } = useSpeech();
  const [action, setAction] = useState(entry.action);
  const time = useEndTime(entry.until);
  return (
    <ApplicationEntryForm
      title="scan-rules.edit-title"
      interpreter="scan-rules.interpreter"
      entry={entry}
      present={present}
      isWrong={time.end === 'wrong'}
      onSubmit={(named) => {
        if (time.end !== 'wrong') onSave([{ ...named, action, ...untilOf(time.end) }]);
      }}
      onClose={onClose}
    >
      <EndTimeFields
        label={say('rules.duration')}
        time={time}
        before={<ActionChoice action={action} onAction={setAction} />}
      />
    </ApplicationEntryForm>
  );
}
