// A script with a POP3 engine that has had its greeting.
import { EngineScript } from '../script.test-support.ts';
import { createPop3Engine } from './engine.ts';

export class Script extends EngineScript {
  constructor(octetMode = false, tls = true, greeting = '+OK ready\r\n') {
    super(createPop3Engine({ tls }), octetMode);
    this.server(greeting).clientGot();
  }
}
