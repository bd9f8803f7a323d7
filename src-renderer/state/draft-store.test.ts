import { describe, expect, it } from 'vitest';
import { pagesOf, rowsOf } from '../../src-main/contract/layout-nodes.ts';
import { defaultSettings as settings } from '../../src-main/contract/settings.ts';
import { settingsTree } from '../../src-main/contract/settings-layout.ts';
import {
  changedPaths,
  createDraftStore,
  differsFromDefault,
  dropDraft,
  edit,
  patchOf,
  problemAt,
  problemPaths,
  revertRows,
  type Send,
  saveDraft,
  valueAt,
} from './draft-store.ts';

const ports = 'mailTransport.imapsPorts';
const rows = pagesOf(settingsTree).flatMap(({ page }) => rowsOf(page));

/** A core that takes everything, and remembers what it was sent. */
function takingCore() {
  const sent: unknown[] = [];
  const send: Send = async (patch) => {
    sent.push(patch);
    return { ok: true };
  };
  return { sent, send };
}

describe('the draft', () => {
  it('shows what is stored until it is edited', () => {
    const store = createDraftStore();
    expect(valueAt(settings, store.getState().edits, ports)).toBe('585, 993');
    edit(store, ports, '993');
    expect(valueAt(settings, store.getState().edits, ports)).toBe('993');
    expect(changedPaths(settings, store.getState().edits)).toEqual([ports]);
  });

  it('counts a value that is back at what is stored as unchanged', () => {
    const store = createDraftStore();
    edit(store, 'mailTransport.scanPop3', false);
    edit(store, 'mailTransport.scanPop3', true);
    edit(store, ports, '993,585');
    edit(store, 'mailTransport.excludedAddresses', []);
    expect(changedPaths(settings, store.getState().edits)).toEqual([]);
  });

  it.each(['mailTransport.imapsPorts', 'mailTransport.pop3sPorts', 'mailTransport.localPorts'] as const)(
    'sends the tidy form of %s',
    (path) => {
      const store = createDraftStore();
      edit(store, path, '7, 5,6');
      const [, key = ''] = path.split('.');
      expect(patchOf(settings, store.getState().edits)).toEqual({ mailTransport: { [key]: '5, 6, 7' } });
      edit(store, path, '0');
      expect(problemPaths(store.getState().edits)).toEqual([path]);
    },
  );

  it('knows a wrong port text as it is typed', () => {
    const store = createDraftStore();
    edit(store, ports, '99999,abc');
    expect(problemAt(store.getState().edits, ports)).toEqual({
      field: 'ports',
      problem: { kind: 'not-a-port', piece: '99999' },
    });
    expect(problemPaths(store.getState().edits)).toEqual([ports]);
    edit(store, ports, '993');
    expect(problemPaths(store.getState().edits)).toEqual([]);
  });

  it('knows a wrong subject text as it is typed, and sends a right one without spaces around it', () => {
    const store = createDraftStore();
    edit(store, 'response.subjectText', ' ');
    expect(problemAt(store.getState().edits, 'response.subjectText')).toEqual({
      field: 'subject-text',
      problem: 'empty',
    });
    edit(store, 'response.subjectText', `  ${settings.response.subjectText} `);
    expect(changedPaths(settings, store.getState().edits)).toEqual([]);
    edit(store, 'response.subjectText', ' [virus] ');
    expect(problemPaths(store.getState().edits)).toEqual([]);
    expect(patchOf(settings, store.getState().edits)).toEqual({ response: { subjectText: '[virus]' } });
  });

  it('has a patch of the changed keys alone, ports tidied', () => {
    const store = createDraftStore();
    edit(store, ports, ' 993,1000-1010, 993');
    edit(store, 'mailTransport.scanPop3', true);
    edit(store, 'appearance.theme', 'dark');
    expect(patchOf(settings, store.getState().edits)).toEqual({
      mailTransport: { imapsPorts: '993, 1000-1010' },
      appearance: { theme: 'dark' },
    });
  });

  it('is empty after it was dropped', () => {
    const store = createDraftStore();
    edit(store, ports, 'x');
    dropDraft(store);
    expect(store.getState()).toEqual({ edits: {}, save: { kind: 'idle' } });
  });
});

describe('reverting', () => {
  const changed = {
    ...settings,
    mailTransport: {
      ...settings.mailTransport,
      scanPop3: false,
      excludedAddresses: [{ address: '192.0.2.1' }],
    },
  };

  it('leaves the lists alone unless they are asked for', () => {
    const store = createDraftStore();
    revertRows(store, rows, false);
    expect(patchOf(changed, store.getState().edits)).toEqual({ mailTransport: { scanPop3: true } });
    revertRows(store, rows, true);
    expect(patchOf(changed, store.getState().edits)).toEqual({
      mailTransport: { scanPop3: true, excludedAddresses: [] },
    });
  });

  it('is offered while something differs from the default, stored or edited', () => {
    const store = createDraftStore();
    const differs = () =>
      rows
        .filter((row) => differsFromDefault(changed, store.getState().edits, row.path))
        .map((row) => row.path);
    expect(differs()).toEqual(['mailTransport.scanPop3', 'mailTransport.excludedAddresses']);
    edit(store, 'mailTransport.scanPop3', true);
    edit(store, ports, '993');
    expect(differs()).toEqual([ports, 'mailTransport.excludedAddresses']);
  });

  it('mends a wrong field', () => {
    const store = createDraftStore();
    edit(store, ports, 'abc');
    revertRows(store, rows, false);
    expect(problemPaths(store.getState().edits)).toEqual([]);
  });
});

describe('saving', () => {
  it('sends one patch and cleans the draft', async () => {
    const store = createDraftStore();
    const { sent, send } = takingCore();
    edit(store, ports, '993');
    edit(store, 'mailTransport.scanImap', false);
    expect(await saveDraft(store, settings, send)).toBe(true);
    expect(sent).toEqual([{ mailTransport: { imapsPorts: '993', scanImap: false } }]);
    expect(store.getState()).toEqual({ edits: {}, save: { kind: 'saved' } });
  });

  it('sends nothing when nothing changed', async () => {
    const store = createDraftStore();
    const { sent, send } = takingCore();
    edit(store, ports, '993,585');
    expect(await saveDraft(store, settings, send)).toBe(true);
    expect(sent).toEqual([]);
  });

  it('is refused while a field is wrong, also when others are right', async () => {
    const store = createDraftStore();
    const { sent, send } = takingCore();
    edit(store, 'mailTransport.scanImap', false);
    edit(store, ports, '0');
    expect(await saveDraft(store, settings, send)).toBe(false);
    expect(sent).toEqual([]);
    expect(changedPaths(settings, store.getState().edits)).toHaveLength(2);
  });

  it('keeps the draft and the reason when the core refuses', async () => {
    const store = createDraftStore();
    edit(store, ports, '993');
    expect(await saveDraft(store, settings, async () => ({ ok: false, code: 'settings-not-saved' }))).toBe(
      false,
    );
    expect(store.getState()).toEqual({
      edits: { [ports]: '993' },
      save: { kind: 'failed', code: 'settings-not-saved' },
    });
  });

  it('keeps what is edited while it is under way', async () => {
    const store = createDraftStore();
    edit(store, ports, '993');
    edit(store, 'mailTransport.scanImap', false);
    await saveDraft(store, settings, async () => {
      edit(store, ports, '994');
      return { ok: true };
    });
    expect(store.getState().edits).toEqual({ [ports]: '994' });
  });

  it('is one at a time', async () => {
    const store = createDraftStore();
    const { sent, send } = takingCore();
    edit(store, ports, '993');
    const results = await Promise.all([saveDraft(store, settings, send), saveDraft(store, settings, send)]);
    expect(results).toEqual([true, false]);
    expect(sent).toHaveLength(1);
  });
});
