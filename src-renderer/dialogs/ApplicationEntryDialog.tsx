// One entry of "Excluded applications", edited by hand: its path or identity, and a note.
import type { ExcludedApplication } from '../../src-main/contract/settings.ts';
import { ApplicationEntryForm } from './ApplicationEntryForm.tsx';
import type { EntryEditor } from './ListDialog.tsx';

export function ApplicationEntryDialog({
  entry,
  present,
  onSave,
  onClose,
}: EntryEditor<ExcludedApplication>) {
  return (
    <ApplicationEntryForm
      title="applications.edit-title"
      interpreter="picker.interpreter"
      entry={entry}
      present={present}
      onSubmit={(named) => onSave([named])}
      onClose={onClose}
    />
  );
}
