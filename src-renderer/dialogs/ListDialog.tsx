// The edit-list dialog: a table of entries with Add, Edit, Delete, many values at once, import and export. What an
// entry is, how it is checked, edited and written to a file, comes in; the list itself changes only with OK.
import { type ReactNode, useRef, useState } from 'react';
import {
  Cell,
  Column,
  FileTrigger,
  type Key,
  Row,
  type Selection,
  Table,
  TableBody,
  TableHeader,
} from 'react-aria-components';
import type { TextKey } from '../../src-main/contract/locales.ts';
import { maxListEntries } from '../../src-main/contract/settings.ts';
import controls from '../components/controls.module.css';
import { DialogFrame } from '../components/DialogFrame.tsx';
import styles from '../components/dialog.module.css';
import { download } from '../components/download.ts';
import { PushButton } from '../components/PushButton.tsx';
import { useSpeech } from '../i18n.ts';
import { type Checked, joinEntries, type TypedEntry } from './entry-lines.ts';
import { MultipleValuesDialog } from './MultipleValuesDialog.tsx';

/** A list of 1,000 full entries stays far below; a larger file is no list. */
const maxImportBytes = 8 * 1024 * 1024;

interface ListColumn<Entry> {
  readonly id: string;
  readonly label: TextKey;
  readonly cell: (entry: Entry) => ReactNode;
}

export interface EntryEditor<Entry> {
  /** Undefined: a new one. */
  readonly entry: Entry | undefined;
  /** The keys of the other entries. */
  readonly present: readonly string[];
  /** How many more fit into the list. */
  readonly room: number;
  readonly onSave: (entries: readonly Entry[]) => void;
  readonly onClose: () => void;
}

/** How a list leaves as a file and comes in again. */
type Exchange<Entry> =
  /** An entry a line; many can be typed at once, too. */
  | {
      readonly kind: 'lines';
      readonly typedOf: (entry: Entry) => TypedEntry;
      readonly check: (typed: TypedEntry) => Checked<Entry>;
      /** Label of the field for many values. */
      readonly many: TextKey;
      readonly name: string;
    }
  /** A document of its own kind. */
  | {
      readonly kind: 'document';
      readonly write: (entries: readonly Entry[]) => string;
      /** `problem`: in words. */
      readonly read: (
        text: string,
      ) =>
        | { readonly ok: true; readonly entries: readonly Entry[] }
        | { readonly ok: false; readonly problem: string };
      readonly type: string;
      readonly name: string;
    };

export interface ListDialogProps<Entry> {
  readonly title: TextKey;
  readonly lead: TextKey;
  readonly none: TextKey;
  readonly columns: readonly ListColumn<Entry>[];
  readonly entries: readonly Entry[];
  /** What an entry is known by: the list holds it once. */
  readonly keyOf: (entry: Entry) => string;
  /** What it is called in the table, where that is not its key. */
  readonly nameOf?: (entry: Entry) => string;
  readonly exchange: Exchange<Entry>;
  readonly editor: (editor: EntryEditor<Entry>) => ReactNode;
  readonly onOk: (entries: Entry[]) => void;
  readonly onClose: () => void;
}

interface Item<Entry> {
  readonly id: number;
  readonly entry: Entry;
}

type Open =
  | { readonly kind: 'add' }
  | { readonly kind: 'edit'; readonly id: number }
  | { readonly kind: 'many'; readonly text: string };

export function ListDialog<Entry>(props: ListDialogProps<Entry>) {
  const { title, lead, none, columns, keyOf, exchange, editor, onOk, onClose } = props;
  const { say, number } = useSpeech();
  const [items, setItems] = useState<readonly Item<Entry>[]>(() =>
    props.entries.map((entry, id) => ({ id, entry })),
  );
  const nextId = useRef(items.length);
  const [selected, setSelected] = useState<Selection>(new Set());
  const [open, setOpen] = useState<Open>();
  /** What was wrong with a file, in words. */
  const [problem, setProblem] = useState<string>();

  const isSelected = (id: number) => selected === 'all' || selected.has(id);
  const chosen = items.filter(({ id }) => isSelected(id));
  const [only] = chosen.length === 1 ? chosen : [];
  const close = () => setOpen(undefined);

  const add = (entries: readonly Entry[]) => {
    const added = entries.map((entry) => ({ id: nextId.current++, entry }));
    setItems([...items, ...added]);
    setSelected(new Set(added.map(({ id }) => id)));
  };
  const replace = (id: number, [entry]: readonly Entry[]) => {
    if (entry !== undefined) setItems(items.map((item) => (item.id === id ? { id, entry } : item)));
  };
  const remove = () => {
    setItems(items.filter(({ id }) => !isSelected(id)));
    setSelected(new Set());
  };
  const editRow = (key: Key) => {
    const item = items.find(({ id }) => id === key);
    if (item) setOpen({ kind: 'edit', id: item.id });
  };

  const room = maxListEntries - items.length;
  const presentBut = (id?: number) => items.filter((item) => item.id !== id).map(({ entry }) => keyOf(entry));

  const importText = (text: string) => {
    if (exchange.kind === 'lines') {
      setOpen({ kind: 'many', text });
      return;
    }
    const read = exchange.read(text);
    if (!read.ok) {
      setProblem(read.problem);
      return;
    }
    const fresh = new Map(read.entries.map((entry) => [keyOf(entry), entry]));
    for (const key of presentBut()) fresh.delete(key);
    if (fresh.size > room) setProblem(say('problem.list-full', { limit: number(maxListEntries) }));
    else add([...fresh.values()]);
  };
  const importFile = async (file: File | undefined) => {
    setProblem(undefined);
    if (file === undefined) return;
    if (file.size > maxImportBytes) setProblem(say('problem.file-too-large'));
    else importText(await file.text());
  };
  const exportFile = () => {
    const entries = items.map(({ entry }) => entry);
    if (exchange.kind === 'lines')
      download(exchange.name, joinEntries(entries.map(exchange.typedOf)), 'text/plain');
    else download(exchange.name, exchange.write(entries), exchange.type);
  };

  return (
    <DialogFrame
      title={say(title)}
      lead={say(lead)}
      size="wide"
      onClose={onClose}
      said={
        chosen.length > 0
          ? say('list.selected', { count: chosen.length })
          : say('row.entries', { count: items.length })
      }
      buttons={
        <>
          <PushButton look="main" onPress={() => onOk(items.map(({ entry }) => entry))}>
            {say('action.ok')}
          </PushButton>
          <PushButton onPress={onClose}>{say('action.cancel')}</PushButton>
        </>
      }
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the keys come from the table within */}
      <div
        className={styles['scroll']}
        onKeyDown={(event) => {
          if (event.key === 'Delete' && chosen.length > 0) remove();
        }}
      >
        <Table
          aria-label={say(title)}
          className={styles['table'] ?? ''}
          selectionMode="multiple"
          selectionBehavior="replace"
          selectedKeys={selected}
          onSelectionChange={setSelected}
          onRowAction={editRow}
        >
          <TableHeader>
            {columns.map((column, at) => (
              <Column key={column.id} id={column.id} isRowHeader={at === 0}>
                {say(column.label)}
              </Column>
            ))}
          </TableHeader>
          <TableBody renderEmptyState={() => <p className={styles['empty']}>{say(none)}</p>}>
            {items.map(({ id, entry }) => (
              <Row key={id} id={id} textValue={props.nameOf?.(entry) ?? keyOf(entry)}>
                {columns.map((column) => (
                  <Cell key={column.id}>{column.cell(entry)}</Cell>
                ))}
              </Row>
            ))}
          </TableBody>
        </Table>
      </div>
      <div className={`${styles['tools'] ?? ''} ${styles['below'] ?? ''}`}>
        <PushButton isDisabled={room <= 0} onPress={() => setOpen({ kind: 'add' })}>
          {say('action.add')}
        </PushButton>
        <PushButton
          isDisabled={only === undefined}
          onPress={() => only && setOpen({ kind: 'edit', id: only.id })}
        >
          {say('action.edit')}
        </PushButton>
        <PushButton isDisabled={chosen.length === 0} onPress={remove}>
          {say('action.delete')}
        </PushButton>
        {exchange.kind === 'lines' && (
          <PushButton isDisabled={room <= 0} onPress={() => setOpen({ kind: 'many', text: '' })}>
            {say('action.enter-multiple')}
          </PushButton>
        )}
        <span className={styles['gap']} />
        <FileTrigger
          acceptedFileTypes={
            exchange.kind === 'lines' ? ['text/plain', '.txt', '.csv'] : [exchange.type, '.json']
          }
          onSelect={(files) => void importFile(files?.[0])}
        >
          <PushButton isDisabled={room <= 0}>{say('action.import')}</PushButton>
        </FileTrigger>
        <PushButton isDisabled={items.length === 0} onPress={exportFile}>
          {say('action.export')}
        </PushButton>
      </div>
      {(room <= 0 || problem !== undefined) && (
        <p
          className={`${styles['tools'] ?? ''} ${styles['below'] ?? ''} ${controls['problem'] ?? ''}`}
          role="alert"
        >
          {problem ?? say('problem.list-full', { limit: number(maxListEntries) })}
        </p>
      )}
      {open?.kind === 'add' &&
        editor({ entry: undefined, present: presentBut(), room, onSave: add, onClose: close })}
      {open?.kind === 'edit' &&
        editor({
          entry: items.find(({ id }) => id === open.id)?.entry,
          present: presentBut(open.id),
          room: 1,
          onSave: (entries) => replace(open.id, entries),
          onClose: close,
        })}
      {open?.kind === 'many' && exchange.kind === 'lines' && (
        <MultipleValuesDialog
          initial={open.text}
          label={exchange.many}
          present={presentBut()}
          room={room}
          check={exchange.check}
          keyOf={keyOf}
          onAdd={add}
          onClose={close}
        />
      )}
    </DialogFrame>
  );
}
