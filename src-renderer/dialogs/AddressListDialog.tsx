// "Excluded IPs": the list of remote addresses that are left alone, each with a note and an end time if it has one.
import { type AddressProblem, parseAddressEntry } from '../../src-main/contract/address-list.ts';
import type { AddressesRow } from '../../src-main/contract/layout-nodes.ts';
import type { ExcludedAddress } from '../../src-main/contract/settings.ts';
import { useApp, useSettings } from '../app-context.ts';
import { addressProblemText } from '../components/problem-words.ts';
import { useSpeech } from '../i18n.ts';
import { edit, valueAt } from '../state/draft-store.ts';
import { AddressEntryDialog } from './AddressEntryDialog.tsx';
import { EndOf } from './EndTime.tsx';
import type { Checked, TypedEntry } from './entry-lines.ts';
import { ListDialog } from './ListDialog.tsx';

export function AddressListDialog({
  row,
  onClose,
}: {
  readonly row: AddressesRow;
  readonly onClose: () => void;
}) {
  const { say } = useSpeech();
  const { draft } = useApp();
  const settings = useSettings();

  /** Among many, the piece that is wrong does not yet say which entry it belongs to. */
  const inContext = (text: string, problem: AddressProblem) =>
    `${problem.text === text ? '' : `${text}: `}${addressProblemText(say, problem)}`;
  const check = (typed: TypedEntry): Checked<ExcludedAddress> => {
    const parsed = parseAddressEntry(typed.text);
    return parsed.ok
      ? { ok: true, entry: { address: typed.text, ...(typed.note !== undefined && { note: typed.note }) } }
      : { ok: false, text: typed.text, problem: inContext(typed.text, parsed.problem) };
  };

  return (
    <ListDialog<ExcludedAddress>
      title={row.label}
      lead="addresses.lead"
      none="addresses.none"
      columns={[
        { id: 'address', label: 'addresses.column.address', cell: (entry) => entry.address },
        { id: 'note', label: 'addresses.column.note', cell: (entry) => entry.note ?? '' },
        { id: 'until', label: 'addresses.column.until', cell: ({ until }) => <EndOf until={until} /> },
      ]}
      entries={valueAt(settings, draft.getState().edits, row.path)}
      keyOf={({ address }) => address}
      exchange={{
        kind: 'lines',
        typedOf: ({ address, note }) => ({ text: address, ...(note !== undefined && { note }) }),
        check,
        many: 'addresses.multiple.field',
        name: 'postern-excluded-ips.txt',
      }}
      editor={(editor) => <AddressEntryDialog {...editor} />}
      onOk={(entries) => {
        edit(draft, row.path, entries);
        onClose();
      }}
      onClose={onClose}
    />
  );
}
