// Reads one FETCH response (latin1, literals in their places) into its items, strictly: a test that reads loosely would
// not see what a proxy got wrong.

export interface Fetched {
  readonly number: number;
  /** By name in upper case; `undefined` is NIL. Lists stay as they were written. */
  readonly items: ReadonlyMap<string, string | undefined>;
}

/** Index behind the parenthesis that closes the one at `from`. */
function behindList(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at++) {
    const c = text[at];
    if (c === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === '\\') at++;
    } else if (c === '{') {
      const mark = /^\{(\d+)\}\r\n/.exec(text.slice(at, at + 20));
      if (mark) at += mark[0].length + Number(mark[1]) - 1;
    } else if (c === '(') depth++;
    else if (c === ')' && --depth === 0) return at + 1;
  }
  return -1;
}

/** `undefined`: no FETCH response, or none that follows the grammar. */
export function readFetch(response: string): Fetched | undefined {
  const start = /^\* (\d+) FETCH \(/.exec(response);
  if (!start) return undefined;
  const items = new Map<string, string | undefined>();
  let at = start[0].length;
  for (;;) {
    const name = /^[A-Z0-9.]+(?:\[[^\]]*\](?:<\d+>)?)? /.exec(response.slice(at, at + 400))?.[0];
    if (name === undefined) return undefined;
    at += name.length;
    const rest = response.slice(at, at + 40);
    const literal = /^\{(\d+)\}\r\n/.exec(rest);
    const atom = /^[^\s()"{]+/.exec(rest)?.[0];
    let value: string | undefined;
    if (literal) {
      at += literal[0].length;
      value = response.slice(at, at + Number(literal[1]));
      at += value.length;
    } else if (rest.startsWith('"')) {
      const quoted = /^"((?:[^"\\]|\\.)*)"/.exec(response.slice(at));
      if (!quoted) return undefined;
      value = (quoted[1] ?? '').replace(/\\(.)/g, '$1');
      at += quoted[0].length;
    } else if (rest.startsWith('(')) {
      const end = behindList(response, at);
      if (end === -1) return undefined;
      value = response.slice(at, end);
      at = end;
    } else if (atom !== undefined) {
      value = atom === 'NIL' ? undefined : atom;
      at += atom.length;
    } else return undefined;
    items.set(name.trim().toUpperCase(), value);
    if (response.startsWith(')\r\n', at))
      return at + 3 === response.length ? { number: Number(start[1]), items } : undefined;
    if (response[at] !== ' ') return undefined;
    at++;
  }
}
