// Counts what runs: every block of the scanner's modules is given a counter while it is loaded. V8's own coverage is as
// exact, and costs more than most inputs do.
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';
import { parseSync } from 'vite';

/** Blocks of all modules; the scanner has some 8,000. */
const maxBlocks = 65_536;

/** Texts and numbers that stand in a module: what it compares its input with. */
interface Module {
  readonly firstBlock: number;
  readonly endBlock: number;
  readonly texts: readonly string[];
  readonly numbers: readonly number[];
}

export interface Coverage {
  /** How often each block ran, modulo 256; the reader sets them to zero. */
  readonly counts: Uint8Array;
  readonly modules: readonly Module[];
  /** Of all modules that are loaded. */
  readonly blocks: () => number;
}

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly [key: string]: unknown;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && 'start' in value;
}

function* childrenOf(node: Node): Generator<Node> {
  for (const value of Object.values(node))
    for (const each of Array.isArray(value) ? value : [value]) if (isNode(each)) yield each;
}

/** The counters of one module, as insertions into its source. */
class Instrumenting {
  readonly insertions: { readonly at: number; readonly text: string }[] = [];
  readonly texts = new Set<string>();
  readonly numbers = new Set<number>();
  #block: number;

  constructor(firstBlock: number) {
    this.#block = firstBlock;
  }

  get endBlock(): number {
    return this.#block;
  }

  visit(node: Node): void {
    if (node.type === 'Literal') this.#literal(node['value']);
    if (node.type === 'BlockStatement') this.#count(node.start + 1, ';');
    if (node.type === 'ArrowFunctionExpression') this.#expression(node['body']);
    if (node.type === 'ConditionalExpression') this.#expression(node['consequent'], node['alternate']);
    if (node.type === 'LogicalExpression') this.#expression(node['right']);
    if (node.type === 'IfStatement') this.#statement(node['consequent'], node['alternate']);
    if (/^(?:For|While|DoWhile)\w*Statement$/.test(node.type)) this.#statement(node['body']);
    if (node.type === 'SwitchCase' && Array.isArray(node['consequent'])) {
      const [first] = node['consequent'];
      if (isNode(first)) this.#count(first.start, ';');
    }
    // What runs nothing, and has no place for a counter.
    if (!/^(?:TS(?!As|NonNull|Satisfies)|ImportDecl)/.test(node.type))
      for (const child of childrenOf(node)) this.visit(child);
  }

  #literal(value: unknown): void {
    if (typeof value === 'string' && value.length >= 2 && value.length <= 64) this.texts.add(value);
    if (typeof value === 'number' && value > 255) this.numbers.add(value);
  }

  #count(at: number, behind: string): void {
    this.insertions.push({ at, text: `__blocks[${this.#block++}]++${behind}` });
  }

  #expression(...nodes: readonly unknown[]): void {
    for (const node of nodes) {
      if (!isNode(node) || node.type === 'BlockStatement') continue;
      this.insertions.push({ at: node.start, text: `(__blocks[${this.#block++}]++,` });
      this.insertions.push({ at: node.end, text: ')' });
    }
  }

  #statement(...nodes: readonly unknown[]): void {
    for (const node of nodes) {
      if (!isNode(node) || node.type === 'BlockStatement') continue;
      this.insertions.push({ at: node.start, text: `{__blocks[${this.#block++}]++;` });
      this.insertions.push({ at: node.end, text: '}' });
    }
  }
}

/** Closing ones come before opening ones at the same place, inner before outer: in the order of their making, the
 *  closing ones reversed. */
function inserted(source: string, insertions: Instrumenting['insertions']): string {
  const isClosing = (text: string) => text === ')' || text === '}';
  const ordered = insertions.map((insertion, made) => ({ ...insertion, made }));
  ordered.sort((a, b) => {
    if (a.at !== b.at) return a.at - b.at;
    if (isClosing(a.text) !== isClosing(b.text)) return isClosing(a.text) ? -1 : 1;
    return isClosing(a.text) ? b.made - a.made : a.made - b.made;
  });
  let from = 0;
  const pieces = ordered.map(({ at, text }) => {
    const piece = source.slice(from, at) + text;
    from = at;
    return piece;
  });
  return pieces.join('') + source.slice(from);
}

/** From now on, modules below `folder` (a file URL) are loaded with counters; their tests' helpers are not. */
export function startCoverage(folder: string): Coverage {
  const counts = new Uint8Array(maxBlocks);
  const modules: Module[] = [];
  let nextBlock = 0;
  Object.assign(globalThis, { __blocks: counts });
  registerHooks({
    load(url, context, nextLoad) {
      if (!url.startsWith(folder) || !/(?<!\.fixture)\.ts$/.test(url)) return nextLoad(url, context);
      const source = readFileSync(fileURLToPath(url), 'utf8');
      const { program, errors } = parseSync('module.ts', source);
      if (errors.length > 0) throw new Error(`${url}: ${errors[0]?.message}`);
      const made = new Instrumenting(nextBlock);
      made.visit(program as unknown as Node);
      modules.push({
        firstBlock: nextBlock,
        endBlock: made.endBlock,
        texts: [...made.texts],
        numbers: [...made.numbers],
      });
      nextBlock = made.endBlock;
      if (nextBlock > maxBlocks) throw new Error('more blocks than counters');
      return { format: 'module-typescript', source: inserted(source, made.insertions), shortCircuit: true };
    },
  });
  return { counts, modules, blocks: () => nextBlock };
}
