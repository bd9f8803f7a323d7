// A machine with systemd in the client host of a lab, with the Debian package built from this clone beside it.
import { copyFileSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { packageDeb } from '../../scripts/package-deb.ts';
import { type CoreLab, createCoreLab } from '../intercept/core-lab.ts';
import { makeDirectory } from '../support/directory.ts';
import type { TestMessage } from '../support/messages.ts';
import { missingTools } from '../support/tools.ts';
import { bootMachine, type Machine, missingBase } from './debian-base.ts';

/** The reason to skip, to be put behind a title. */
export const missingForPackage = () =>
  missingTools(['nft', 'dovecot', 'curl', 'openssl', 'dpkg-deb'], { namespaces: true }) ?? missingBase();

export interface PackageMachine extends Machine {
  readonly hosts: CoreLab;
  /** At the same place here and there. */
  readonly directory: string;
  /** The authority that has signed the server's own certificate. */
  readonly serverCaPath: string;
  /** Its output; throws what it had to say when it fails. */
  done(...argv: readonly string[]): Promise<string>;
  /** Installs the package, or once more. */
  install(): Promise<void>;
  /** Ends everything, and leaves nothing. */
  end(): Promise<void>;
}

/** `alice` has these messages on the server, mail.example.test. */
export async function bootPackageMachine(
  name: string,
  messages: readonly TestMessage[],
): Promise<PackageMachine> {
  const directory = makeDirectory(name);
  let hosts: CoreLab | undefined;
  try {
    const built = packageDeb({ outDir: directory, compressionLevel: 1 });
    hosts = await createCoreLab({ alice: messages });
    const deb = await built;
    if (deb === undefined) throw new Error('the package was not built');
    const machine = await bootMachine({
      // The name of the network namespace is all that its command line has before what it runs.
      network: hosts.lab.clientArgv([]).at(-1) ?? '',
      shared: directory,
      etc: { hosts: `127.0.0.1 localhost\n${hosts.lab.serverV4} mail.example.test\n` },
    });
    return withPackage(machine, hosts, directory, join(directory, basename(deb)));
  } catch (error) {
    await hosts?.stop();
    rmSync(directory, { recursive: true, force: true });
    throw error;
  }
}

function withPackage(machine: Machine, hosts: CoreLab, directory: string, deb: string): PackageMachine {
  const serverCaPath = join(directory, 'server.pem');
  copyFileSync(hosts.certificates.caPath, serverCaPath);
  const done = async (...argv: readonly string[]) => {
    const { status, stdout, stderr } = await machine.run(...argv);
    if (status !== 0) throw new Error(`${argv.join(' ')}: ${status}\n${stdout}${stderr}`);
    return stdout.trim();
  };
  return {
    ...machine,
    hosts,
    directory,
    serverCaPath,
    done,
    async install() {
      await done('apt-get', '-q', '-y', 'install', '--reinstall', '--no-install-recommends', deb);
    },
    async end() {
      await machine.stop();
      await hosts.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
