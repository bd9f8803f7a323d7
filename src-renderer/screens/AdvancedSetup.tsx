// The window "Advanced setup": search above, tree at the left, the chosen page, and the foot that saves or drops the draft.
import { useCallback, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import { isListRow, pagesOf, rowsOf } from '../../src-main/contract/layout-nodes.ts';
import type { SettingPath } from '../../src-main/contract/setting-path.ts';
import { settingsTree } from '../../src-main/contract/settings-layout.ts';
import { errorCodeOf, useApp, useCore, useSettings } from '../app-context.ts';
import { LostBanner } from '../components/Banners.tsx';
import { ConfirmDialog, type Question } from '../components/ConfirmDialog.tsx';
import { Foot } from '../components/Foot.tsx';
import { SearchContext } from '../components/Highlight.tsx';
import { MarkIcon } from '../components/icons.tsx';
import { SearchBox } from '../components/SearchBox.tsx';
import { SettingsTree } from '../components/SettingsTree.tsx';
import styles from '../components/window.module.css';
import { useSpeech } from '../i18n.ts';
import { confirmSettings } from '../state/core-store.ts';
import {
  changedPaths,
  differsFromDefault,
  dropDraft,
  problemPaths,
  revertRows,
  type Send,
  saveDraft,
} from '../state/draft-store.ts';
import { searchSettings } from '../state/search.ts';
import { SettingsPage } from './SettingsPage.tsx';
import { useShortcuts } from './use-shortcuts.ts';

/** What there is before the core has said anything. */
export function AdvancedSetup() {
  const { say } = useSpeech();
  const isReady = useCore(({ snapshot }) => snapshot !== undefined);
  const isLost = useCore(({ link }) => link === 'lost');
  if (isReady) return <SetupWindow />;
  return (
    <main className={styles['waiting']}>
      <div role="status">
        <MarkIcon />
        <p>{say(isLost ? 'banner.lost' : 'window.loading')}</p>
      </div>
    </main>
  );
}

const pages = pagesOf(settingsTree);

function SetupWindow() {
  const speech = useSpeech();
  const { say } = speech;
  const app = useApp();
  const settings = useSettings();
  const [chosenPage, setChosenPage] = useState(pages[0]?.page.id);
  const [query, setQuery] = useState('');
  const [openHint, setOpenHint] = useState<SettingPath>();
  const [question, setQuestion] = useState<Question>();
  const searchInput = useRef<HTMLInputElement>(null);
  const mainArea = useRef<HTMLElement>(null);

  const found = searchSettings(settingsTree, query);
  const isHit = (id: string | undefined) => found === undefined || (id !== undefined && found.pages.has(id));
  const placed =
    (isHit(chosenPage) ? undefined : pages.find(({ page }) => isHit(page.id))) ??
    pages.find(({ page }) => page.id === chosenPage && isHit(chosenPage));

  const send: Send = async (patch) => {
    const { client } = app.core.getState();
    if (client === undefined) return { ok: false, code: 'not-running' };
    try {
      confirmSettings(app.core, await client.settings.update(patch));
      return { ok: true };
    } catch (error) {
      return { ok: false, code: errorCodeOf(error) };
    }
  };

  const onOk = async () => {
    const [wrong] = problemPaths(app.draft.getState().edits);
    if (wrong !== undefined) {
      showField(wrong);
      return;
    }
    if ((await saveDraft(app.draft, settings, send)) && app.host !== undefined) app.closeWindow();
  };

  /** Leads to a field on whichever page it is. */
  const showField = (path: SettingPath) => {
    const page = pages.find((each) => rowsOf(each.page).some((row) => row.path === path));
    flushSync(() => {
      setQuery('');
      if (page) setChosenPage(page.page.id);
    });
    mainArea.current?.querySelector<HTMLElement>(`[data-setting="${path}"] [aria-invalid="true"]`)?.focus();
  };

  const leave = useCallback(() => {
    dropDraft(app.draft);
    if (app.host !== undefined) app.closeWindow();
  }, [app]);

  const onCancel = useCallback(() => {
    const { edits } = app.draft.getState();
    const stored = app.core.getState().snapshot?.state.settings ?? settings;
    if (changedPaths(stored, edits).length === 0) {
      leave();
      return;
    }
    setQuestion({
      title: say('ask.discard.title'),
      text: say('ask.discard.text'),
      yes: say('action.discard'),
      no: say('action.keep-editing'),
      onYes: leave,
    });
  }, [app, leave, say, settings]);

  const onDefault = () => {
    if (placed === undefined) return;
    const { edits } = app.draft.getState();
    setQuestion({
      title: say('ask.default.title'),
      text: say('ask.default.text', { page: say(placed.page.label) }),
      yes: say('action.default'),
      no: say('action.cancel'),
      ...(rowsOf(placed.page).some(
        (row) => isListRow(row) && differsFromDefault(settings, edits, row.path),
      ) && {
        lists: { ticked: true },
      }),
      onYes: (withLists) => revertRows(app.draft, rowsOf(placed.page), withLists),
    });
  };

  const onSearch = useCallback(() => {
    searchInput.current?.focus();
    searchInput.current?.select();
  }, []);
  useShortcuts({ onSearch, onHint: setOpenHint, onCancel });

  return (
    <SearchContext value={query}>
      <div className={styles['window']}>
        <header className={styles['header']}>
          <MarkIcon />
          <h1>
            {say('window.title')} <span className={styles['product']}>· Postern</span>
          </h1>
          <SearchBox inputRef={searchInput} query={query} onQuery={setQuery} />
        </header>
        <nav className={styles['nav']} aria-label={say('window.tree')}>
          <SettingsTree pageId={placed?.page.id} found={found} onPage={setChosenPage} />
        </nav>
        <main className={styles['main']} ref={mainArea} tabIndex={-1}>
          <LostBanner />
          <p className={found && found.count > 0 ? styles['found'] : styles['unseen']} role="status">
            {found &&
              (found.count > 0
                ? say('search.found', { count: found.count })
                : say('search.none', { text: query.trim() }))}
          </p>
          {placed && (
            <SettingsPage
              key={placed.page.id}
              placed={placed}
              shown={found?.pages.get(placed.page.id)}
              openHint={openHint}
              onHint={setOpenHint}
            />
          )}
          {!placed && (
            <p className={styles['nothing']} aria-hidden="true">
              {say('search.none', { text: query.trim() })}
            </p>
          )}
        </main>
        <Foot onDefault={onDefault} onOk={() => void onOk()} onCancel={onCancel} />
      </div>
      {question && <ConfirmDialog question={question} onClose={() => setQuestion(undefined)} />}
    </SearchContext>
  );
}
