// The square that stands for a program: its icon, or its initial on a colour that is always the same for the name.
import styles from './program-tile.module.css';

/** The name to show for an entry of the settings: the last piece of a path or identity. */
export function programName(application: string): string {
  const path = application.replace(/^(flatpak|snap|appimage):/, '').replace(/\/\*$/, '');
  const last = path.slice(path.lastIndexOf('/') + 1);
  return (application.startsWith('flatpak:') ? last.slice(last.lastIndexOf('.') + 1) : last) || application;
}

const hues = 8;

function hueOf(name: string): number {
  let sum = 0;
  for (const letter of name) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9_973;
  return sum % hues;
}

export function ProgramTile({ name, icon }: { readonly name: string; readonly icon?: string | undefined }) {
  // The contract says a data URL; anything else would leave the machine, and the policy refuses it as well.
  if (icon?.startsWith('data:image/')) return <img className={styles['tile']} src={icon} alt="" />;
  return (
    <span className={styles['tile']} data-hue={hueOf(name)} aria-hidden="true">
      {[...name][0] ?? '?'}
    </span>
  );
}
