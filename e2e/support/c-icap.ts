// A real ICAP server for the tests: Debian's c-icap as a child in the foreground, with its virus_scan service over a
// clamd.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { freePort } from './core.ts';

/** Where Debian keeps its modules; missing where libc-icap-mod-virus-scan is. */
const modules = ['/usr/lib/x86_64-linux-gnu/c_icap', '/usr/lib/aarch64-linux-gnu/c_icap'].find((path) =>
  existsSync(join(path, 'clamd_mod.so')),
);

/** The reason to skip, to be put behind a title, or undefined when the modules are there. */
export const missingModules: string | undefined =
  modules === undefined ? ' (SKIPPED: needs libc-icap-mod-virus-scan)' : undefined;

export interface CIcap {
  readonly port: number;
  /** May be called twice. */
  stop(): Promise<void>;
}

const startTries = 300;

async function isUp(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.on('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
    socket.write(`OPTIONS icap://127.0.0.1:${port}/virus_scan ICAP/1.0\r\nHost: 127.0.0.1\r\n\r\n`);
  });
}

/**
 * Starts it and waits until it answers. Services: `avscan`, which waits for all of a message, and `virus_scan`, which
 * gives out a part of large ones before it has scanned them, and lets through what is larger than 3 MiB.
 * @param port default: a free one
 */
export async function startCIcap(directory: string, clamdSocket: string, port?: number): Promise<CIcap> {
  const listening = port ?? (await freePort());
  const file = join(directory, 'c-icap.conf');
  const log = join(directory, 'c-icap.log');
  writeFileSync(
    file,
    `PidFile ${join(directory, 'c-icap.pid')}
CommandsSocket ${join(directory, 'c-icap.ctl')}
Port 127.0.0.1:${listening}
StartServers 1
MaxServers 2
ThreadsPerChild 10
MaxKeepAliveRequests 100
KeepAliveTimeout 600
TmpDir ${directory}
MaxMemObject 131072
ModulesDir ${modules}
ServicesDir ${modules}
TemplateDir /usr/share/c_icap/templates/
LoadMagicFile /etc/c-icap/c-icap.magic
ServerLog ${log}
AccessLog ${join(directory, 'c-icap-access.log')}
Service antivirus_module virus_scan.so
ServiceAlias avscan virus_scan?allow204=on&sizelimit=off&mode=simple
virus_scan.ScanFileTypes TEXT DATA EXECUTABLE ARCHIVE GIF JPEG MSOFFICE
virus_scan.SendPercentData 5
virus_scan.StartSendPercentDataAfter 1M
virus_scan.MaxObjectSize 3M
virus_scan.DefaultEngine clamd
Module common clamd_mod.so
clamd_mod.ClamdSocket ${clamdSocket}
`,
  );
  const argv = ['c-icap', '-N', '-f', file];
  const child: ChildProcess = spawn(argv[0] ?? '', argv.slice(1), { stdio: 'ignore' });
  for (let tries = 0; !(await isUp(listening)); tries++) {
    if (child.exitCode !== null || tries === startTries) throw new Error(`c-icap does not run; see ${log}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    port: listening,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await gone;
    },
  };
}
