// The draft: what the user has changed and not yet saved, by setting path. Saving sends one patch with the changed
// keys alone; what is wrong is known as it is typed.
import { createStore, type StoreApi } from 'zustand/vanilla';
import type { ErrorCode } from '../../src-main/contract/error-codes.ts';
import { isListRow, type LayoutRow } from '../../src-main/contract/layout-nodes.ts';
import { formatPortList, type PortListProblem, parsePortList } from '../../src-main/contract/port-list.ts';
import {
  readSetting,
  type SettingPath,
  type SettingValue,
  splitPath,
} from '../../src-main/contract/setting-path.ts';
import {
  defaultSettings,
  isClamdSetting,
  isIcapSetting,
  type Settings,
  type SettingsPatch,
  scanningRanges,
} from '../../src-main/contract/settings.ts';
import { parseSubjectText, type SubjectTextProblem } from '../../src-main/contract/subject-text.ts';

export type Edits = { readonly [Path in SettingPath]?: SettingValue<Path> };

/** How the last try to save ended. */
export type SaveState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'saving' }
  | { readonly kind: 'saved' }
  | { readonly kind: 'failed'; readonly code: ErrorCode };

export interface DraftState {
  readonly edits: Edits;
  readonly save: SaveState;
}

export type DraftStore = StoreApi<DraftState>;

export function createDraftStore(): DraftStore {
  return createStore<DraftState>(() => ({ edits: {}, save: { kind: 'idle' } }));
}

export function edit<Path extends SettingPath>(
  store: DraftStore,
  path: Path,
  value: SettingValue<Path>,
): void {
  store.setState(({ edits }) => ({ edits: { ...edits, [path]: value }, save: { kind: 'idle' } }));
}

export function dropDraft(store: DraftStore): void {
  store.setState({ edits: {}, save: { kind: 'idle' } });
}

/** What a row shows: the edit if there is one, else what is stored. */
export function valueAt<Path extends SettingPath>(
  settings: Settings,
  edits: Edits,
  path: Path,
): SettingValue<Path> {
  const edited: SettingValue<Path> | undefined = edits[path];
  return edited === undefined ? readSetting(settings, path) : edited;
}

/** What is wrong with a text that was typed, by the grammar of its field. */
export type FieldProblem =
  | { readonly field: 'ports'; readonly problem: PortListProblem }
  | { readonly field: 'subject-text'; readonly problem: SubjectTextProblem }
  | { readonly field: 'number'; readonly least: number; readonly most: number }
  | { readonly field: 'clamd' | 'icap' };

type Read =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly problem: FieldProblem };

/** The form in which a value is compared and sent: a text that was typed is tidied, when it can be. */
function read(path: SettingPath, value: unknown): Read {
  if (typeof value === 'number') return readNumber(path, value);
  if (typeof value !== 'string') return { ok: true, value };
  switch (path) {
    case 'mailTransport.imapsPorts':
    case 'mailTransport.pop3sPorts':
    case 'mailTransport.localPorts': {
      const parsed = parsePortList(value);
      if (parsed.ok) return { ok: true, value: formatPortList(parsed.ranges) };
      return { ok: false, problem: { field: 'ports', problem: parsed.problem } };
    }
    case 'response.subjectText': {
      const parsed = parseSubjectText(value);
      if (parsed.ok) return { ok: true, value: parsed.text };
      return { ok: false, problem: { field: 'subject-text', problem: parsed.problem } };
    }
    case 'scanning.clamd': {
      const text = value.trim();
      return isClamdSetting(text) ? { ok: true, value: text } : { ok: false, problem: { field: 'clamd' } };
    }
    case 'scanning.icap': {
      const text = value.trim();
      return isIcapSetting(text) ? { ok: true, value: text } : { ok: false, problem: { field: 'icap' } };
    }
    default:
      return { ok: true, value };
  }
}

const ranges: Readonly<Record<string, { readonly least: number; readonly most: number } | undefined>> =
  scanningRanges;

function readNumber(path: SettingPath, value: number): Read {
  const range = ranges[splitPath(path).key];
  if (!range || (value >= range.least && value <= range.most)) return { ok: true, value };
  return { ok: false, problem: { field: 'number', ...range } };
}

function settled(path: SettingPath, value: unknown): unknown {
  const result = read(path, value);
  return result.ok ? result.value : value;
}

function same(path: SettingPath, one: unknown, other: unknown): boolean {
  return JSON.stringify(settled(path, one)) === JSON.stringify(settled(path, other));
}

export function isChanged(settings: Settings, edits: Edits, path: SettingPath): boolean {
  return edits[path] !== undefined && !same(path, edits[path], readSetting(settings, path));
}

export function changedPaths(settings: Settings, edits: Edits): SettingPath[] {
  // The keys of Edits are paths.
  return (Object.keys(edits) as SettingPath[]).filter((path) => isChanged(settings, edits, path));
}

/** What is wrong with an edit; a stored value was checked when it was stored. */
export function problemAt(edits: Edits, path: SettingPath): FieldProblem | undefined {
  const result = read(path, edits[path]);
  return result.ok ? undefined : result.problem;
}

export function problemPaths(edits: Edits): SettingPath[] {
  return (Object.keys(edits) as SettingPath[]).filter((path) => problemAt(edits, path) !== undefined);
}

export function differsFromDefault(settings: Settings, edits: Edits, path: SettingPath): boolean {
  return !same(path, valueAt(settings, edits, path), readSetting(defaultSettings, path));
}

/** Sets rows to their defaults in the draft; lists only `withLists`. */
export function revertRows(store: DraftStore, rows: readonly LayoutRow[], withLists: boolean): void {
  const defaults = rows
    .filter((row) => withLists || !isListRow(row))
    .map(({ path }) => [path, readSetting(defaultSettings, path)] as const);
  store.setState(({ edits }) => ({
    edits: { ...edits, ...Object.fromEntries(defaults) },
    save: { kind: 'idle' },
  }));
}

/** The patch with the changed keys alone. */
export function patchOf(settings: Settings, edits: Edits): SettingsPatch {
  const patch: Record<string, Record<string, unknown>> = {};
  for (const path of changedPaths(settings, edits)) {
    const { section, key } = splitPath(path);
    patch[section] = { ...patch[section], [key]: settled(path, edits[path]) };
  }
  // Sections and keys come from paths, values from the edits of those paths.
  return patch as SettingsPatch;
}

export type Send = (
  patch: SettingsPatch,
) => Promise<{ readonly ok: true } | { readonly ok: false; readonly code: ErrorCode }>;

/**
 * Sends the changes in one patch. What is edited while it is under way stays an edit. Resolves to whether all is
 * stored; with a problem in the draft nothing is sent.
 */
export async function saveDraft(store: DraftStore, settings: Settings, send: Send): Promise<boolean> {
  const { edits, save } = store.getState();
  if (save.kind === 'saving' || problemPaths(edits).length > 0) return false;
  if (changedPaths(settings, edits).length > 0) {
    store.setState({ save: { kind: 'saving' } });
    const sent = await send(patchOf(settings, edits));
    if (!sent.ok) {
      store.setState({ save: { kind: 'failed', code: sent.code } });
      return false;
    }
  }
  const later = Object.entries(store.getState().edits).filter(
    ([path, value]) => value !== edits[path as SettingPath],
  );
  store.setState({ edits: Object.fromEntries(later), save: { kind: 'saved' } });
  return true;
}
