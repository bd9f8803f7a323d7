// The controls by kind of row: toggle, port text, text, choice, and the lists behind their Edit button.
import { useState } from 'react';
import { assertNever } from '../../src-main/contract/assert-never.ts';
import type {
  ChoiceRow,
  LayoutRow,
  ListRow,
  NumberRow,
  PortsRow,
  TextRow,
  ToggleRow,
} from '../../src-main/contract/layout-nodes.ts';
import { useApp, useDraft, useSettings } from '../app-context.ts';
import { AddressListDialog } from '../dialogs/AddressListDialog.tsx';
import { ApplicationListDialog } from '../dialogs/ApplicationListDialog.tsx';
import { CertificateRuleListDialog } from '../dialogs/CertificateRuleListDialog.tsx';
import { ScanRuleListDialog } from '../dialogs/ScanRuleListDialog.tsx';
import { useSpeech } from '../i18n.ts';
import { edit, valueAt } from '../state/draft-store.ts';
import controls from './controls.module.css';
import { ChevronIcon } from './icons.tsx';
import { PushButton } from './PushButton.tsx';
import styles from './page.module.css';

interface ControlProps<Row extends LayoutRow> {
  readonly row: Row;
  readonly ids: { readonly control: string; readonly label: string; readonly problem: string };
  readonly isDisabled: boolean;
  readonly isWrong: boolean;
}

export function SettingControl({ row, ...rest }: ControlProps<LayoutRow>) {
  switch (row.kind) {
    case 'toggle':
      return <ToggleControl row={row} {...rest} />;
    case 'ports':
    case 'text':
      return <TextControl row={row} {...rest} />;
    case 'number':
      return <NumberControl row={row} {...rest} />;
    case 'choice':
      return <ChoiceControl row={row} {...rest} />;
    case 'addresses':
    case 'applications':
    case 'application-rules':
    case 'certificate-rules':
      return <ListControl row={row} {...rest} />;
    default:
      return assertNever(row);
  }
}

function ToggleControl({ row, ids, isDisabled }: ControlProps<ToggleRow>) {
  const { draft } = useApp();
  const settings = useSettings();
  const isOn = useDraft(({ edits }) => valueAt(settings, edits, row.path));
  return (
    <button
      type="button"
      role="switch"
      id={ids.control}
      className={controls['toggle']}
      aria-checked={isOn}
      aria-labelledby={ids.label}
      disabled={isDisabled}
      onClick={() => edit(draft, row.path, !isOn)}
    />
  );
}

function TextControl({ row, ids, isDisabled, isWrong }: ControlProps<PortsRow | TextRow>) {
  const { draft } = useApp();
  const settings = useSettings();
  const text = useDraft(({ edits }) => valueAt(settings, edits, row.path));
  return (
    <input
      id={ids.control}
      className={`${controls['field'] ?? ''} ${styles[row.kind] ?? ''}`}
      type="text"
      inputMode={row.kind === 'ports' ? 'numeric' : 'text'}
      autoComplete="off"
      spellCheck={false}
      value={text}
      disabled={isDisabled}
      aria-invalid={isWrong}
      aria-describedby={isWrong ? ids.problem : undefined}
      onChange={(event) => edit(draft, row.path, event.target.value)}
    />
  );
}

/** What is no number is kept as NaN, so that the draft knows that something is wrong; the field keeps what was typed. */
function NumberControl({ row, ids, isDisabled, isWrong }: ControlProps<NumberRow>) {
  const { say } = useSpeech();
  const { draft } = useApp();
  const settings = useSettings();
  const value = useDraft(({ edits }) => valueAt(settings, edits, row.path));
  const [typed, setTyped] = useState(String(value));
  // The value may have been changed from elsewhere: by a revert, or by another window.
  const shown = Object.is(numberOf(typed), value) ? typed : String(value);
  return (
    <span className={styles['number']}>
      <input
        id={ids.control}
        className={controls['field']}
        type="text"
        inputMode="numeric"
        autoComplete="off"
        spellCheck={false}
        value={shown}
        disabled={isDisabled}
        aria-invalid={isWrong}
        aria-describedby={isWrong ? `${ids.control}unit ${ids.problem}` : `${ids.control}unit`}
        onChange={({ target }) => {
          setTyped(target.value);
          edit(draft, row.path, numberOf(target.value));
        }}
      />
      <span id={`${ids.control}unit`} className={controls['quiet']}>
        {say(row.unit)}
      </span>
    </span>
  );
}

function numberOf(text: string): number {
  const digits = text.trim();
  return /^\d{1,9}$/.test(digits) ? Number(digits) : Number.NaN;
}

function ChoiceControl({ row, ids, isDisabled }: ControlProps<ChoiceRow>) {
  const { say } = useSpeech();
  const { draft } = useApp();
  const settings = useSettings();
  const value = useDraft(({ edits }) => valueAt(settings, edits, row.path));
  const choose = (chosen: string) => {
    const option = row.options.find((each) => each.value === chosen);
    if (option) edit<ChoiceRow['path']>(draft, row.path, option.value);
  };
  return (
    <span className={`${controls['select'] ?? ''} ${styles['choice'] ?? ''}`}>
      <select
        id={ids.control}
        value={value}
        disabled={isDisabled}
        onChange={(event) => choose(event.target.value)}
      >
        {row.options.map((option) => (
          <option key={option.value} value={option.value}>
            {say(option.label)}
          </option>
        ))}
      </select>
      <ChevronIcon />
    </span>
  );
}

function ListControl({ row, ids, isDisabled }: ControlProps<ListRow>) {
  const { say, number } = useSpeech();
  const settings = useSettings();
  const entries = useDraft(({ edits }) => valueAt(settings, edits, row.path).length);
  const [isOpen, setIsOpen] = useState(false);
  const close = () => setIsOpen(false);
  return (
    <div className={styles['list']}>
      <span className={controls['quiet']}>
        <span aria-hidden="true">{number(entries)}</span>
        <span className={styles['unseen']}>{say('row.entries', { count: entries })}</span>
      </span>
      {/* A button of two names: what it does, then for which list. */}
      <PushButton
        id={ids.control}
        aria-labelledby={`${ids.control} ${ids.label}`}
        isDisabled={isDisabled}
        onPress={() => setIsOpen(true)}
      >
        {say('row.edit')}
      </PushButton>
      {isOpen && <ListDialogOf row={row} onClose={close} />}
    </div>
  );
}

function ListDialogOf({ row, onClose }: { readonly row: ListRow; readonly onClose: () => void }) {
  switch (row.kind) {
    case 'addresses':
      return <AddressListDialog row={row} onClose={onClose} />;
    case 'applications':
      return <ApplicationListDialog row={row} onClose={onClose} />;
    case 'application-rules':
      return <ScanRuleListDialog row={row} onClose={onClose} />;
    case 'certificate-rules':
      return <CertificateRuleListDialog row={row} onClose={onClose} />;
    default:
      return assertNever(row);
  }
}
