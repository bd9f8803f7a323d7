// Puts the page together: stores, the way to the core, language and look, then the window.
import './zod-without-eval.ts';
import '@fontsource-variable/inter/wght.css';
import './styles/tokens.css';
import './styles/base.css';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { I18nextProvider } from 'react-i18next';
import { languageOf } from '../src-main/contract/locales.ts';
import { type App, AppContext } from './app-context.ts';
import { followAppearance } from './appearance.ts';
import { messagePortDial, webSocketDial } from './client.ts';
import { createI18n } from './i18n.ts';
import { AdvancedSetup } from './screens/AdvancedSetup.tsx';
import { createCoreStore, keepFollowing } from './state/core-store.ts';
import { createDraftStore } from './state/draft-store.ts';

const app: App = {
  core: createCoreStore(),
  draft: createDraftStore(),
  host: window.posternHost,
  closeWindow: () => window.close(),
};
const speech = createI18n(languageOf(navigator.languages));
followAppearance(window, app.core, speech);

const rpcUrl = new URL('rpc', location.href);
rpcUrl.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
void keepFollowing({
  store: app.core,
  dial: app.host === undefined ? webSocketDial(rpcUrl) : messagePortDial(window),
  wait: (ms) => new Promise((done) => setTimeout(done, ms)),
  signal: new AbortController().signal,
});

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <I18nextProvider i18n={speech}>
      <AppContext value={app}>
        <AdvancedSetup />
      </AppContext>
    </I18nextProvider>
  </StrictMode>,
);
