// A script with an IMAP engine.
import { EngineScript } from '../script.test-support.ts';
import { createImapEngine } from './engine.ts';

export class Script extends EngineScript {
  constructor(octetMode = false, tls = true) {
    super(createImapEngine({ tls }), octetMode);
  }
}
