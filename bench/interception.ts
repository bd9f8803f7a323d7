// Through the redirect of the kernel, between two network namespaces. "Direct" is the same server at an address that is
// excluded, so that both ways are measured while the core runs.
import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { createCoreLab, serverPorts } from '../e2e/intercept/core-lab.ts';
import { mbsync } from '../e2e/support/clients.ts';
import { missingTools } from '../e2e/support/tools.ts';
import { type Bench, scanEachRound } from './bench.ts';
import { bigBudget, bigName, curlBig, mailboxes, smallBudget, smallName } from './fixed-listener.ts';

export async function benchInterception(bench: Bench): Promise<void> {
  const missing = missingTools(['nft'], { namespaces: true });
  if (missing) {
    bench.note(`kernel interception was not measured${missing}`);
    return;
  }
  const hosts = await createCoreLab(mailboxes());
  try {
    const core = await hosts.startCore('--console', 'off', ...scanEachRound);
    const [through, direct] = ['one.example.test', 'two.example.test'];
    const excluded = await hosts.postern(
      'settings',
      'set',
      'mailTransport.excludedAddresses',
      JSON.stringify([{ address: hosts.lab.internetV4[1] }]),
    );
    if (excluded.status !== 0) throw new Error(excluded.stderr);
    const wrap = (argv: readonly string[]) => hosts.lab.clientArgv(argv);
    const serverCa = hosts.certificates.caPath;
    const sync = (host: string, caPath: string) => async () => {
      const directory = mkdtempSync(join(bench.directory, 'mbsync-'));
      await mbsync({
        host,
        port: serverPorts.imaps,
        transport: 'tls',
        user: 'small',
        caPath,
        directory,
        wrap,
      });
    };
    await bench.compare(
      `${smallName}, intercepted`,
      smallBudget,
      sync(direct, serverCa),
      sync(through, core.ready.ca),
    );
    await bench.compare(
      `${bigName}, intercepted`,
      bigBudget,
      () => curlBig(direct, serverPorts.imaps, serverCa, wrap),
      () => curlBig(through, serverPorts.imaps, core.ready.ca, wrap),
    );
  } finally {
    await hosts.stop();
  }
}
