// The command `postern`: what it takes, and which exit code comes of it. Each command's code is loaded when it runs, so
// that a small one answers fast.
import { Command, CommanderError, Option } from 'commander';
import { dataDirOf } from '../data-dir.ts';
import { failureExitCode } from '../failure.ts';
import type { HeadlessArguments } from './headless.ts';

interface GlobalOptions {
  readonly dataDir?: string;
}

interface JsonOption {
  readonly json?: boolean;
}

interface ScanCommandOptions extends JsonOption {
  readonly engines?: string;
  readonly limits?: string;
}

interface TrustOptions {
  readonly profile: readonly string[];
  readonly system?: boolean;
}

const profilesOf = ({ profile, system }: TrustOptions) => ({ profiles: profile, system: system === true });

const collect = (value: string, before: readonly string[]) => [...before, value];

/** One line for a group that was named without one of its commands, or with another. */
function needsCommand(group: Command): void {
  group.allowExcessArguments().action(() => {
    const [name] = group.args;
    const known = group.commands.map((command) => command.name()).join(', ');
    group.error(`error: ${name === undefined ? 'name a command' : `unknown command '${name}'`} (${known})`);
  });
}

function buildProgram(): Command {
  const program = new Command('postern')
    .description('Scans incoming mail on its way.')
    .exitOverride()
    .showSuggestionAfterError(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'postern: ')) })
    .option('--data-dir <dir>', 'where the core keeps everything (default: the XDG state directory)');
  const json = () => new Option('--json', 'for programs');

  const dataDir = () => dataDirOf(program.opts<GlobalOptions>().dataDir);

  program
    .command('headless')
    .description('run the core, with its console in a browser; prints one JSON line when it is ready')
    .option('--settings <file>', 'the settings file (default: in the data directory)')
    .option('--console <address>', 'HOST:PORT of loopback, or off', '127.0.0.1:0')
    .addOption(
      new Option('--intercept <how>', "redirect the machine's mail connections")
        .choices(['auto', 'off'])
        .default('auto'),
    )
    .option('--netfilter-helper <socket>', "the system's helper (default: its own socket, root or pkexec)")
    .option('--control-socket <path>', 'answer commands there, too, for the group of that user')
    .option('--public-ca <path>', "keep a copy of the root's certificate there, for every user to read")
    .option('--upstream-ca <file>', 'trust these authorities (PEM) of mail servers, too')
    .option('--listen <what>', 'LOCALPORT=HOST:PORT/{imap|imaps|pop3|pop3s}; may be given again', collect, [])
    .option(
      '--hold-scans <seconds>',
      'for tests: hold each verdict back for so long; SECONDS/N holds the first N alone',
    )
    .action(async (options: Omit<HeadlessArguments, 'dataDir'>) => {
      const { headlessCommand } = await import('./headless.ts');
      await headlessCommand({ ...options, dataDir: dataDir() });
      // Whatever a library still holds open must not keep an ended core alive.
      process.exit(0);
    });

  program
    .command('scan')
    .description('scan files, messages and mailboxes; directories are walked')
    .argument('<path...>', 'or - for standard input')
    .addOption(json())
    .option(
      '--engines <list>',
      'builtin, clamd, clamd=ADDRESS, icap=URL; split by commas (default: builtin,clamd)',
    )
    .option(
      '--limits <list>',
      'NAME=NUMBER of maxMessageMiB, maxSeconds, archiveDepth, maxMemberMiB, maxUnpackedMiB',
    )
    .action(async (paths: readonly string[], options: ScanCommandOptions) => {
      const [{ scanCommand }, { scanningOf }] = await Promise.all([
        import('./scan.ts'),
        import('./scan-options.ts'),
      ]);
      const scanning = scanningOf(options);
      process.exitCode = await scanCommand({
        paths,
        json: options.json === true,
        dataDir: dataDir(),
        scanning,
      });
    });

  program
    .command('console')
    .description("print a fresh one-time URL of the running core's console")
    .option('--open', 'open it in the browser')
    .action(async (options: { readonly open?: boolean }) => {
      const { consoleCommand } = await import('./console.ts');
      await consoleCommand({ dataDir: dataDir(), open: options.open === true });
    });

  program
    .command('status')
    .description('what the running core does')
    .addOption(json())
    .action(async (options: JsonOption) => {
      const { statusCommand } = await import('./status.ts');
      await statusCommand({ dataDir: dataDir(), json: options.json === true });
    });

  program
    .command('selftest')
    .description('walk all protocols through the interception, with a harmless server at its end')
    .addOption(json())
    .action(async (options: JsonOption) => {
      const { selftestCommand } = await import('./selftest.ts');
      process.exitCode = await selftestCommand({ dataDir: dataDir(), json: options.json === true });
    });

  program
    .command('connections')
    .description('the open connections of the running core')
    .addOption(json())
    .action(async (options: JsonOption) => {
      const { connectionsCommand } = await import('./connections.ts');
      await connectionsCommand({ dataDir: dataDir(), json: options.json === true });
    });

  const settings = program.command('settings').description('read and change settings of the running core');
  const settingsCommands = () => import('./settings.ts');
  settings
    .command('get')
    .description('all settings as JSON, or one: mailTransport.scanImap')
    .argument('[key]')
    .action(async (key: string | undefined) => (await settingsCommands()).getSetting(dataDir(), key));
  settings
    .command('set')
    .argument('<key>')
    .argument('<value>', 'text, true or false; lists as JSON')
    .action(async (key: string, value: string) =>
      (await settingsCommands()).setSetting(dataDir(), key, value),
    );
  settings
    .command('reset')
    .description('everything as it was installed')
    .action(async () => (await settingsCommands()).resetSettings(dataDir()));
  settings
    .command('export')
    .argument('<file>', 'or - for standard output')
    .action(async (file: string) => (await settingsCommands()).exportSettings(dataDir(), file));
  settings
    .command('import')
    .description('all of it or nothing')
    .argument('<file>', 'or - for standard input')
    .action(async (file: string) => (await settingsCommands()).importSettings(dataDir(), file));

  const quarantine = program.command('quarantine').description('infected originals');
  const quarantineCommands = () => import('./quarantine.ts');
  quarantine
    .command('list')
    .addOption(json())
    .action(async (options: JsonOption) =>
      (await quarantineCommands()).listQuarantine(dataDir(), options.json === true),
    );
  quarantine
    .command('show')
    .argument('<id>')
    .action(async (id: string) => (await quarantineCommands()).showQuarantined(dataDir(), id));
  quarantine
    .command('restore')
    .description('write the original, octet for octet; an existing file is never overwritten')
    .argument('<id>')
    .argument('[file]', 'or - for standard output, which is the default where that is not a terminal')
    .action(async (id: string, file: string | undefined) =>
      (await quarantineCommands()).restoreQuarantined(dataDir(), id, file),
    );

  const helper = program
    .command('helper')
    .description('the parts of a clone that run as root: to redirect connections, and for the trust stores');
  const helperCommands = () => import('./helper.ts');
  helper
    .command('install')
    .description('copy them to /usr/local/lib/postern, as root')
    .action(async () => {
      process.exitCode = (await helperCommands()).installHelperCommand();
    });
  helper
    .command('remove')
    .description('take the copies away, as root')
    .action(async () => {
      process.exitCode = (await helperCommands()).removeHelperCommand();
    });
  helper
    .command('status')
    .description('whether they are there, and as in this clone (exit code 1: they are not)')
    .action(async () => {
      process.exitCode = (await helperCommands()).helperStatusCommand();
    });

  const trust = program.command('trust').description('the stores in which programs look for authorities');
  const trustCommands = () => import('./trust.ts');
  const profile = () =>
    new Option('--profile <dir>', 'a directory with an NSS database; may be given again')
      .argParser(collect)
      .default([], 'none');
  trust
    .command('status')
    .description('each store: whether it has the root certificate, and what to do')
    .addOption(json())
    .action(async (options: JsonOption) =>
      (await trustCommands()).trustStatus(dataDir(), options.json === true),
    );
  trust
    .command('install')
    .description("put the root certificate into stores: the user's own; as root, the machine's too")
    .argument('[store...]', 'id, kind, path or name, as the status shows them')
    .option('--system', "the machine's store, too; asks for an administrator's password")
    .addOption(profile())
    .action(async (stores: readonly string[], options: TrustOptions) => {
      process.exitCode = await (await trustCommands()).installTrust({
        dataDir: dataDir(),
        stores,
        ...profilesOf(options),
      });
    });
  trust
    .command('remove')
    .description('take it out again, everywhere or from the given stores')
    .argument('[store...]', 'id, kind, path or name, as the status shows them')
    .addOption(profile())
    .action(async (stores: readonly string[], options: TrustOptions) => {
      process.exitCode = await (await trustCommands()).removeTrust({
        dataDir: dataDir(),
        stores,
        ...profilesOf(options),
      });
    });
  trust
    .command('replace')
    .description('make a new root certificate in place of the present one, and put it where that was')
    .action(async () => {
      process.exitCode = await (await trustCommands()).replaceRoot(dataDir());
    });
  trust
    .command('forget')
    .description('open TLS again for what was learnt to refuse it: for the given ones, or for all')
    .argument('[id...]', 'as the status shows them')
    .action(async (ids: readonly string[]) => (await trustCommands()).forgetRelays(dataDir(), ids));

  const ca = program.command('ca').description('the root certificate');
  const caCommands = () => import('./ca.ts');
  ca.command('export')
    .description('write it as PEM, without its key (exit code 1: there is none yet)')
    .argument('[file]', 'or - for standard output, which is the default')
    .action(async (file: string | undefined) => {
      process.exitCode = (await caCommands()).exportCa(dataDir(), file);
    });
  ca.command('show')
    .description('its name, fingerprint and dates')
    .action(async () => {
      process.exitCode = (await caCommands()).showCa(dataDir());
    });
  [settings, quarantine, helper, trust, ca, program].forEach(needsCommand);
  return program;
}

/** Runs one command line; the exit code goes to `process.exitCode`. */
async function run(argv: readonly string[]): Promise<void> {
  // Whoever read our output has left: what is still to be said has no reader, and that is no crash.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  try {
    await buildProgram().parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) {
      // Its line is out already; help and version that were asked for are no error.
      process.exitCode = error.exitCode === 0 ? 0 : failureExitCode;
      return;
    }
    const { failureLine } = await import('../failure-line.ts');
    const line = failureLine(error);
    process.stderr.write(`postern: ${line ?? (error instanceof Error ? error.stack : String(error))}\n`);
    process.exitCode = failureExitCode;
  }
}

await run(process.argv);
