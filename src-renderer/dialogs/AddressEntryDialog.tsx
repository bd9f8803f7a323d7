// One address, range or subnet of "Excluded IPs", with its note and the time for which it is excluded.
import { useState } from 'react';
import { parseAddressEntry } from '../../src-main/contract/address-list.ts';
import type { ExcludedAddress } from '../../src-main/contract/settings.ts';
import { addressProblemText } from '../components/problem-words.ts';
import { useSpeech } from '../i18n.ts';
import { EndTimeFields, untilOf, useEndTime } from './EndTime.tsx';
import { EntryForm, noteOf } from './EntryForm.tsx';
import type { EntryEditor } from './ListDialog.tsx';

export function AddressEntryDialog({ entry, present, onSave, onClose }: EntryEditor<ExcludedAddress>) {
  const { say } = useSpeech();
  const [address, setAddress] = useState(entry?.address ?? '');
  const [note, setNote] = useState(entry?.note ?? '');
  const [isTried, setIsTried] = useState(false);
  const time = useEndTime(entry?.until);

  const parsed = parseAddressEntry(address);
  const addressProblem = parsed.ok
    ? present.includes(address.trim())
      ? say('problem.already', { text: address.trim() })
      : undefined
    : addressProblemText(say, parsed.problem);
  // An empty new field is not called wrong before OK was tried.
  const shownProblem = isTried || address.trim() !== '' ? addressProblem : undefined;

  const onSubmit = () => {
    setIsTried(true);
    if (addressProblem !== undefined || time.end === 'wrong') return;
    onSave([{ address: address.trim(), ...noteOf(note), ...untilOf(time.end) }]);
    onClose();
  };

  return (
    <EntryForm
      title={say(entry === undefined ? 'addresses.add-title' : 'addresses.edit-title')}
      label={say('addresses.field')}
      value={address}
      onValue={setAddress}
      problem={shownProblem}
      examples={say('addresses.examples')}
      noteLabel={say('addresses.note')}
      note={note}
      onNote={setNote}
      onSubmit={onSubmit}
      onClose={onClose}
    >
      <EndTimeFields label={say('addresses.duration')} time={time} />
    </EntryForm>
  );
}
