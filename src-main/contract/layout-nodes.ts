// What the Advanced setup tree is made of: groups, pages, sections and rows, each row a kind of control for one setting.
import type { TextKey } from './locales.ts';
import type { PathOf, SettingValue } from './setting-path.ts';
import type {
  ApplicationScanRule,
  CertificateRule,
  ExcludedAddress,
  ExcludedApplication,
} from './settings.ts';

type ChoicePath =
  | 'appearance.language'
  | 'appearance.theme'
  | 'mailTransport.whenStopped'
  | 'response.delivery'
  | 'response.tagMessages'
  | 'scanning.whenEngineDown'
  | 'tls.mode'
  | 'tls.whenUntrusted'
  | 'tls.whenInvalid'
  | 'tls.minVersion';

interface Chosen<Path extends ChoicePath> {
  readonly path: Path;
  readonly value: SettingValue<Path>;
}

interface RowBase {
  readonly label: TextKey;
  /** A few sentences behind the ⓘ; a line break begins a paragraph. */
  readonly hint: TextKey;
  /** The toggle that greys this row while it is off; the row keeps its value. */
  readonly master?: PathOf<boolean>;
  /** The choice under which this row has no effect and is greyed, too. */
  readonly unless?: Chosen<'response.delivery'>;
}

export interface ToggleRow extends RowBase {
  readonly kind: 'toggle';
  readonly path: PathOf<boolean>;
}
/** A text field in the grammar of port-list.ts. */
export interface PortsRow extends RowBase {
  readonly kind: 'ports';
  readonly path: 'mailTransport.imapsPorts' | 'mailTransport.pop3sPorts' | 'mailTransport.localPorts';
}
/** A line of text, in the grammar that its setting has. */
export interface TextRow extends RowBase {
  readonly kind: 'text';
  readonly path: 'response.subjectText' | 'scanning.clamd' | 'scanning.icap';
}
/** A whole number, in the range that its setting has. */
export interface NumberRow extends RowBase {
  readonly kind: 'number';
  readonly path: Extract<PathOf<number>, `scanning.${string}`>;
  /** Behind the field. */
  readonly unit: TextKey;
}
export interface AddressesRow extends RowBase {
  readonly kind: 'addresses';
  readonly path: PathOf<ExcludedAddress[]>;
}
export interface ApplicationsRow extends RowBase {
  readonly kind: 'applications';
  readonly path: PathOf<ExcludedApplication[]>;
}
export interface ApplicationRulesRow extends RowBase {
  readonly kind: 'application-rules';
  readonly path: PathOf<ApplicationScanRule[]>;
}
export interface CertificateRulesRow extends RowBase {
  readonly kind: 'certificate-rules';
  readonly path: PathOf<CertificateRule[]>;
}
interface ChoiceRowOf<Path extends ChoicePath> extends RowBase {
  readonly kind: 'choice';
  readonly path: Path;
  readonly options: readonly { readonly value: SettingValue<Path>; readonly label: TextKey }[];
}
export type ChoiceRow = { [Path in ChoicePath]: ChoiceRowOf<Path> }[ChoicePath];
/** A row of a list that a dialog edits. */
export type ListRow = AddressesRow | ApplicationsRow | ApplicationRulesRow | CertificateRulesRow;
export type LayoutRow = ToggleRow | PortsRow | TextRow | NumberRow | ListRow | ChoiceRow;

export interface LayoutSection {
  readonly id: string;
  readonly label: TextKey;
  readonly rows: readonly LayoutRow[];
  /** `root-certificate`: below its rows the section shows the root and what can be done with it. */
  readonly live?: 'root-certificate';
}

export interface LayoutPage {
  readonly kind: 'page';
  readonly id: string;
  readonly label: TextKey;
  readonly lead: TextKey;
  /** A line of text at the end of the page. */
  readonly remark?: TextKey;
  readonly helpId: string;
  /** `mail-protection`: the page shows the live state of the protection above its sections and the last detections below;
   *  `trust`: which programs trust the root, and whose TLS is passed through unopened, below them. */
  readonly live?: 'mail-protection' | 'trust';
  readonly sections: readonly LayoutSection[];
}

export interface LayoutGroup {
  readonly kind: 'group';
  readonly id: string;
  readonly label: TextKey;
  readonly children: readonly LayoutNode[];
}

export type LayoutNode = LayoutGroup | LayoutPage;

/** A page and the groups that lead to it, outermost first. */
export interface PlacedPage {
  readonly page: LayoutPage;
  readonly groups: readonly LayoutGroup[];
}

/** All pages of a tree, in their order. */
export function pagesOf(nodes: readonly LayoutNode[], groups: readonly LayoutGroup[] = []): PlacedPage[] {
  return nodes.flatMap((node) =>
    node.kind === 'page' ? [{ page: node, groups }] : pagesOf(node.children, [...groups, node]),
  );
}

export function rowsOf(page: LayoutPage): LayoutRow[] {
  return page.sections.flatMap((section) => section.rows);
}

const listKinds: readonly LayoutRow['kind'][] = [
  'addresses',
  'applications',
  'application-rules',
  'certificate-rules',
];

/** Lists are reverted only when that is asked for: they hold work of the user. */
export function isListRow(row: LayoutRow): row is ListRow {
  return listKinds.includes(row.kind);
}
