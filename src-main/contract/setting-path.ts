// A setting by its path (`mailTransport.imapsPorts`), with the type of its value: what the layout, the draft and
// one change speak of.
import type { SectionName, Settings } from './settings.ts';

type PathIn<Section extends SectionName> = `${Section}.${keyof Settings[Section] & string}`;

export type SettingPath = { [Section in SectionName]: PathIn<Section> }[SectionName];

export type SettingValue<Path extends SettingPath> = Path extends `${infer Section}.${infer Key}`
  ? Section extends SectionName
    ? Key extends keyof Settings[Section]
      ? Settings[Section][Key]
      : never
    : never
  : never;

/** The paths whose values have a given type. */
export type PathOf<Value> = {
  [Path in SettingPath]: SettingValue<Path> extends Value
    ? Value extends SettingValue<Path>
      ? Path
      : never
    : never;
}[SettingPath];

/** Section and key of a path. */
export function splitPath(path: SettingPath): { readonly section: SectionName; readonly key: string } {
  const dot = path.indexOf('.');
  // A SettingPath always begins with the name of a section.
  return { section: path.slice(0, dot) as SectionName, key: path.slice(dot + 1) };
}

export function readSetting<Path extends SettingPath>(settings: Settings, path: Path): SettingValue<Path> {
  const { section, key } = splitPath(path);
  const values: Readonly<Record<string, unknown>> = settings[section];
  // The type of the path says what lies there.
  return values[key] as SettingValue<Path>;
}
