// File names of parts and archive members: as people are shown them, and as they are judged. Nothing is ever opened
// by them.
import { nameBytes } from './limits.ts';

/** `name` cut to its limit in its middle: what it ends with says what opens it. */
function cut(name: string): string {
  if (name.length <= nameBytes) return name;
  const half = Math.floor(nameBytes / 2);
  return `${name.slice(0, half)}…${name.slice(1 + half - nameBytes)}`;
}

/** `name` as it may be shown: without control characters, also of direction; undefined when nothing is left. */
export function cleanName(name: string | undefined): string | undefined {
  const text = cut(name?.replace(/\p{C}+/gu, '_').trim() ?? '');
  return text === '' ? undefined : text;
}

/** `name` as it is judged: characters that turn its direction round are what a judge looks for, so they stay. */
export function judgedName(name: string | undefined): string | undefined {
  const text = cut(name?.replace(/\p{Cc}+/gu, '_').trim() ?? '');
  return text === '' ? undefined : text;
}
