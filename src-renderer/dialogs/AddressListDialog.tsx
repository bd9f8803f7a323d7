// "Excluded IPs": the list of remote addresses that are left alone, each with a note and an end time if it has one.
import { type AddressProblem, parseAddressEntry } from '../../src-main/contract/address-list.ts';
import type { ExcludedAddress } from '../../src-main/contract/settings.ts';
import type { AddressesRow } from '../../src-main/contract/settings-layout.ts';
import { useApp, useSettings } from '../app-context.ts';
import controls from '../components/controls.module.css';
import { addressProblemText } from '../components/problem-words.ts';
import { useSpeech } from '../i18n.ts';
import { edit, valueAt } from '../state/draft-store.ts';
import { AddressEntryDialog } from './AddressEntryDialog.tsx';
import type { Checked, TypedEntry } from './entry-lines.ts';
import { ListDialog } from './ListDialog.tsx';

export function AddressListDialog({
  row,
  onClose,
}: {
  readonly row: AddressesRow;
  readonly onClose: () => void;
}) {
  const { say, moment } = useSpeech();
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

  const ends = ({ until }: ExcludedAddress) => {
    if (until === undefined) return say('addresses.always');
    const isOver = Date.parse(until) <= Date.now();
    return (
      <time dateTime={until} className={isOver ? controls['quiet'] : undefined}>
        {isOver ? say('addresses.expired', { date: moment(until) }) : moment(until)}
      </time>
    );
  };

  return (
    <ListDialog<ExcludedAddress>
      title={row.label}
      lead="addresses.lead"
      none="addresses.none"
      columns={[
        { id: 'address', label: 'addresses.column.address', cell: (entry) => entry.address },
        { id: 'note', label: 'addresses.column.note', cell: (entry) => entry.note ?? '' },
        { id: 'until', label: 'addresses.column.until', cell: ends },
      ]}
      entries={valueAt(settings, draft.getState().edits, row.path)}
      typedOf={({ address, note }) => ({ text: address, ...(note !== undefined && { note }) })}
      check={check}
      many="addresses.multiple.field"
      exportName="postern-excluded-ips.txt"
      editor={(editor) => <AddressEntryDialog {...editor} />}
      onOk={(entries) => {
        edit(draft, row.path, entries);
        onClose();
      }}
      onClose={onClose}
    />
  );
}
