// Marks what the search found in a label; a label that matches in the other language alone shows that one beneath.
import { createContext, Fragment, useContext } from 'react';
import { type TextKey, translate } from '../../src-main/contract/locales.ts';
import { useSpeech } from '../i18n.ts';
import { foldCase, splitAtMatches } from '../state/search.ts';
import styles from './page.module.css';

export const SearchContext = createContext('');

function Marked({ text, query }: { readonly text: string; readonly query: string }) {
  return splitAtMatches(text, query).map((piece) =>
    piece.isMatch ? (
      <mark key={piece.from}>{piece.text}</mark>
    ) : (
      <Fragment key={piece.from}>{piece.text}</Fragment>
    ),
  );
}

export function Highlight({ label }: { readonly label: TextKey }) {
  const { say } = useSpeech();
  return <Marked text={say(label)} query={useContext(SearchContext)} />;
}

/** The label in the other language, when only that one matches. */
export function OtherLanguage({ label }: { readonly label: TextKey }) {
  const { language, say } = useSpeech();
  const query = useContext(SearchContext);
  const wanted = foldCase(query.trim());
  const other = language === 'en' ? 'nb' : 'en';
  const text = translate(other, label);
  if (wanted === '' || foldCase(say(label)).includes(wanted) || !foldCase(text).includes(wanted)) return null;
  return (
    <span className={styles['other']} lang={other}>
      <Marked text={text} query={query} />
    </span>
  );
}
