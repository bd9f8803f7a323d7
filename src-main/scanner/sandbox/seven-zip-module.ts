// 7-Zip through its WebAssembly build: the only place that knows it. Each run is a fresh instance with a file system of
// its own, in which one archive can be read and what comes out of it is counted.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Cut, type OutputFile } from './output.ts';

/** Parts of Emscripten's file system (https://emscripten.org/docs/api_reference/Filesystem-API.html) that are used. */
interface FsNode {
  readonly id: number;
  readonly mode: number;
  node_ops: unknown;
  stream_ops: unknown;
}

interface FsStream {
  readonly node: FsNode;
  stream_ops: object;
}

interface EmscriptenFs {
  readonly streams: readonly FsStream[];
  readonly ErrnoError: new (errno: number) => Error;
  mkdir(path: string): void;
  chdir(path: string): void;
  isDir(mode: number): boolean;
  createNode(parent: FsNode | null, name: string, mode: number, device: number): FsNode;
  mount(type: { mount(): FsNode }, options: object, path: string): void;
  createDataFile(
    parent: string,
    name: string,
    data: Uint8Array,
    canRead: boolean,
    canWrite: boolean,
    canOwn: boolean,
  ): void;
}

/** Neither Node's types nor the language's know it. */
declare const WebAssembly: {
  compile(bytes: Uint8Array): Promise<object>;
  readonly Instance: new (module: object, imports: object) => object;
};

interface WasmImports {
  readonly env: Readonly<Record<string, unknown>>;
}

interface Instance {
  readonly FS: EmscriptenFs;
  callMain(args: string[]): unknown;
}

interface FactoryOptions {
  instantiateWasm(imports: WasmImports, done: (instance: object, module: object) => void): void;
}

type Factory = (options: FactoryOptions) => Promise<Instance>;

function isFactory(loaded: unknown): loaded is Factory {
  return typeof loaded === 'function';
}

export interface Run {
  readonly args: readonly string[];
  /** Read-only files in `/in`. */
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** A file that is written; may throw Cut. */
  readonly open: (name: string) => OutputFile;
  /** Characters that it may say. */
  readonly maxText: number;
}

export interface RunResult {
  /** `failed`: by its own exit code, or by an exception of its own; `cut`: by ours. */
  readonly end: 'ok' | 'failed' | 'cut';
  readonly text: string;
  readonly errors: string;
  /** It wanted more memory than it may have. */
  readonly isOutOfMemory: boolean;
}

export type SevenZip = (run: Run) => Promise<RunResult>;

/** Errors of the file system, as WASI numbers them. */
const noSuchFile = 44;
const notPermitted = 63;

const directoryMode = 0o40755;
const fileMode = 0o100644;

/** A directory in which nothing is ever found, so that files of one name do not meet. */
function mountOutput(fs: EmscriptenFs, path: string, open: Run['open']): void {
  const files = new Map<FsNode, OutputFile>();
  const anyDate = new Date(0);
  const nodeOps = {
    getattr: ({ id, mode }: FsNode) => ({
      ...{ dev: 1, ino: id, mode, nlink: 1, uid: 0, gid: 0, rdev: 0, size: 0, blksize: 4096, blocks: 0 },
      ...{ atime: anyDate, mtime: anyDate, ctime: anyDate },
    }),
    setattr: () => undefined,
  };
  const refuse = () => {
    throw new fs.ErrnoError(notPermitted);
  };
  const streamOps = {
    write({ node }: FsStream, memory: Uint8Array, offset: number, length: number): number {
      files.get(node)?.write(new Uint8Array(memory.buffer, memory.byteOffset + offset, length));
      return length;
    },
    llseek: (_stream: FsStream, offset: number) => offset,
    close({ node }: FsStream): void {
      files.get(node)?.close();
      files.delete(node);
    },
  };
  const make = (parent: FsNode | null, name: string, mode: number): FsNode => {
    const node = fs.createNode(parent, name, mode, 0);
    node.node_ops = fs.isDir(mode) ? directoryOps : nodeOps;
    node.stream_ops = streamOps;
    return node;
  };
  const directoryOps = {
    ...nodeOps,
    lookup(): never {
      throw new fs.ErrnoError(noSuchFile);
    },
    mknod(parent: FsNode, name: string, mode: number): FsNode {
      const node = make(parent, name, mode);
      if (!fs.isDir(mode)) files.set(node, open(name));
      return node;
    },
    symlink: (parent: FsNode, name: string) => make(parent, name, fileMode),
    unlink: () => undefined,
    rmdir: () => undefined,
    rename: refuse,
    readdir: () => [],
  };
  fs.mkdir(path);
  fs.mount({ mount: () => make(null, '/', directoryMode) }, {}, path);
}

/** What is written to a standard stream, up to a length. */
function collect(stream: FsStream | undefined, maxText: number): () => string {
  const decoder = new TextDecoder();
  let text = '';
  if (stream) {
    stream.stream_ops = {
      ...stream.stream_ops,
      write(_: FsStream, memory: Uint8Array, offset: number, length: number): number {
        text += decoder.decode(new Uint8Array(memory.buffer, memory.byteOffset + offset, length), {
          stream: true,
        });
        if (text.length > maxText) throw new Cut('text');
        return length;
      },
    };
  }
  return () => text;
}

function endOf(instance: Instance, args: readonly string[]): RunResult['end'] {
  try {
    const code = instance.callMain([...args]);
    // 0: no error; 1: warnings. An exception in its code that nobody caught comes out as a number of its own.
    return code === 0 || code === 1 ? 'ok' : 'failed';
  } catch (error) {
    if (error instanceof Cut) return 'cut';
    return 'failed';
  }
}

/**
 * Makes an instance as for a page: in Node it would reach for the machine's file system, which it has no use for and is
 * not allowed. It decides that before it waits for anything.
 */
function asInPage<Made>(make: () => Made): Made {
  Reflect.set(process, 'type', 'renderer');
  try {
    return make();
  } finally {
    Reflect.deleteProperty(process, 'type');
  }
}

/** Where all of it lies. */
export function sevenZipDirectory(): string {
  return dirname(createRequire(import.meta.url).resolve('7z-wasm'));
}

/**
 * Loads and compiles it, once.
 * @param maxHeapBytes what one run may take
 * @throws when the package is not what it was
 */
export async function loadSevenZip(maxHeapBytes: number): Promise<SevenZip> {
  const require = createRequire(import.meta.url);
  const factory: unknown = require('7z-wasm');
  if (!isFactory(factory)) throw new Error('7z-wasm is not what it was');
  const compiled = await WebAssembly.compile(readFileSync(join(sevenZipDirectory(), '7zz.wasm')));
  return async ({ args, files, open, maxText }) => {
    let isOutOfMemory = false;
    const instance = await asInPage(() =>
      factory({
        instantiateWasm(imports, done) {
          const { emscripten_resize_heap: grow } = imports.env;
          if (typeof grow !== 'function') throw new Error('7z-wasm grows otherwise');
          const resize = (sizeBytes: number): unknown => {
            // As an unsigned number (Emscripten gives it so).
            const isTooMuch = sizeBytes >>> 0 > maxHeapBytes;
            if (isTooMuch) isOutOfMemory = true;
            return isTooMuch ? 0 : grow(sizeBytes);
          };
          const env = { ...imports.env, emscripten_resize_heap: resize };
          done(new WebAssembly.Instance(compiled, { ...imports, env }), compiled);
        },
      }),
    );
    const { FS } = instance;
    const [input, output, errors] = FS.streams;
    if (input) input.stream_ops = { ...input.stream_ops, read: () => 0 };
    const text = collect(output, maxText);
    const errorText = collect(errors, maxText);
    FS.mkdir('/in');
    for (const [name, bytes] of Object.entries(files))
      FS.createDataFile('/in', name, bytes, true, false, true);
    mountOutput(FS, '/out', open);
    FS.chdir('/out');
    const end = endOf(instance, args);
    return { end, text: text(), errors: errorText(), isOutOfMemory };
  };
}
