// How the three parts of the desktop host are built: the main process with its scan worker, the preload as one CommonJS
// file (a sandboxed preload can't be a module), and the renderer, which the console serves as it is.
import { readdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';
import type { Plugin } from 'vite';

const at = (path: string) => resolve(import.meta.dirname, path);

/** What is read as files at run time lies beside the bundle: in `to`, each file of `from` that `isMeant`. */
function copyFiles(from: string, to: string, isMeant: RegExp): Plugin {
  return {
    name: `copy-${to}`,
    generateBundle() {
      for (const name of readdirSync(at(from)).filter((each) => isMeant.test(each))) {
        this.emitFile({
          type: 'asset',
          fileName: `${to}/${name}`,
          source: readFileSync(resolve(at(from), name)),
        });
      }
    },
  };
}

export default defineConfig({
  main: {
    plugins: [
      copyFiles('src-main/scanner/rules', 'rules', /\.yar$/),
      copyFiles('assets/tray', 'tray', /\.png$/),
    ],
    build: {
      target: 'node24',
      outDir: at('out/main'),
      rolldownOptions: {
        input: {
          main: at('src-main/hosts/electron/main.ts'),
          worker: at('src-main/scanner/worker.ts'),
          'seven-zip-child': at('src-main/scanner/sandbox/seven-zip-child.ts'),
          'summary-worker': at('src-main/scanner/summary-worker.ts'),
        },
        output: { entryFileNames: '[name].js' },
      },
    },
  },
  preload: {
    build: {
      target: 'node24',
      outDir: at('out/preload'),
      externalizeDeps: false,
      rolldownOptions: {
        input: { preload: at('src-main/hosts/electron/preload.ts') },
        output: { format: 'cjs', entryFileNames: 'preload.cjs' },
      },
    },
  },
  renderer: {
    root: at('src-renderer'),
    base: './',
    plugins: [react()],
    build: {
      // Current browsers and Electron alike; CSS `light-dark()` stays as it is written.
      target: 'chrome130',
      outDir: at('out/renderer'),
      emptyOutDir: true,
      minify: true,
      // Everything is a file of its own: the content security policy knows no inline fonts or scripts.
      assetsInlineLimit: 0,
      // It comes from the same machine: one file is quicker than many.
      chunkSizeWarningLimit: 1_000,
      rolldownOptions: { input: at('src-renderer/index.html') },
    },
  },
});
