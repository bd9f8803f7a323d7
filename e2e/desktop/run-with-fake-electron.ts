// Runs the built desktop host under Node with the stand-in for Electron: `node run-with-fake-electron.ts [options]`.
import { registerHooks } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { app, becomeReady, press } from './fake-electron.ts';

const standIn = import.meta.resolve('./fake-electron.ts');
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'electron' ? { url: standIn, shortCircuit: true } : next(specifier, context),
});

process.on('message', (message: { readonly press?: string; readonly start?: { hidden: boolean } }) => {
  if (message.press !== undefined) press(message.press);
  if (message.start !== undefined) app.emit('second-instance', {}, [], '/', message.start);
});

await import(pathToFileURL(resolve(import.meta.dirname, '../../out/main/main.js')).href);
becomeReady();
