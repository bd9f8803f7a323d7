// A table of what is so right now, with buttons in its rows: a heading that takes the focus when a button goes away, and
// below it the words of what was done.
import { type ReactNode, useId, useState } from 'react';
import { useSpeech } from '../i18n.ts';
import page from './page.module.css';
import styles from './trust.module.css';
import { type KeptFocus, useKeptFocus } from './use-kept-focus.ts';

/** What a row needs of the table around it. */
export interface RowPlace {
  readonly focus: KeptFocus;
  readonly onSaid: (words: string) => void;
}

interface LiveTableProps<Item> {
  /** Names it for tests and for links. */
  readonly section: string;
  readonly title: string;
  readonly lead?: string;
  /** In place of the table when there is nothing. */
  readonly none: string;
  /** The last one is read aloud only. */
  readonly columns: readonly string[];
  readonly items: readonly Item[];
  readonly row: (item: Item, place: RowPlace) => ReactNode;
}

export function LiveTable<Item>({ section, title, lead, none, columns, items, row }: LiveTableProps<Item>) {
  const { say } = useSpeech();
  const [said, setSaid] = useState('');
  const focus = useKeptFocus(items);
  const id = useId();
  return (
    <section className={page['section']} data-section={section} aria-labelledby={id}>
      <div className={page['head']}>
        <h3
          id={id}
          className={`${page['plain'] ?? ''} ${styles['heading'] ?? ''}`}
          ref={focus.heading}
          tabIndex={-1}
        >
          {title}
        </h3>
      </div>
      {items.length === 0 ? (
        <p className={styles['none']}>{none}</p>
      ) : (
        <>
          {lead !== undefined && <p className={styles['lead']}>{lead}</p>}
          <table className={styles['table']} aria-labelledby={id}>
            <thead>
              <tr>
                {columns.map((column) => (
                  <th key={column} scope="col">
                    {column}
                  </th>
                ))}
                <th scope="col">
                  <span className={page['unseen']}>{say('column.action')}</span>
                </th>
              </tr>
            </thead>
            <tbody>{items.map((item) => row(item, { focus, onSaid: setSaid }))}</tbody>
          </table>
        </>
      )}
      <p role="status" className={styles['below']}>
        {said}
      </p>
    </section>
  );
}
