// Thunderbird without a screen, driven from outside: it fetches a whole mailbox as it would for offline use, or opens each
// message, which fetches the large ones in chunks. Gives back what it stored or showed.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Account } from './clients.ts';
import { type Marionette, openMarionette } from './marionette.ts';

/** The wrapper in /usr/bin is a shell script that changes the environment. */
const thunderbirdPath = '/usr/lib/thunderbird/thunderbird';

/** What has to be there besides Thunderbird itself. */
export const thunderbirdTools = ['thunderbird', 'certutil'];

export type ThunderbirdTask = 'imap-offline' | 'imap-view' | 'pop3';

/** Time for a start on a busy machine, and for an end. */
const startTimeoutMs = 60_000;
const endTimeoutMs = 15_000;
const pollMs = 50;
/** For each step; below the limit of a whole script. */
const waitMs = 30_000;

const socketTypes = { plain: 0, starttls: 2, tls: 3 };

function preferences({ host, port, transport, user }: Account, task: ThunderbirdTask): string {
  const type = task === 'pop3' ? 'pop3' : 'imap';
  const server = {
    type,
    hostname: host,
    port,
    userName: user,
    name: 'test',
    socketType: socketTypes[transport],
    authMethod: 3,
    login_at_startup: false,
    check_new_mail: false,
    download_on_biff: false,
    leave_on_server: true,
    // Deleted mail is marked only: else it begins by making a trash folder and lists all folders once more.
    delete_model: 0,
    offline_download: task === 'imap-offline',
    // Else it may fetch messages by itself, whole, before they are opened.
    autosync_offline_stores: false,
    storeContractID: '@mozilla.org/msgstore/maildirstore;1',
  };
  const local = {
    type: 'none',
    hostname: 'Local Folders',
    userName: 'nobody',
    'directory-rel': '[ProfD]Mail/Local Folders',
  };
  const below = (prefix: string, values: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value]));
  const all: Record<string, unknown> = {
    ...below('mail.server.server1', server),
    ...below('mail.server.server2', local),
    'mail.accountmanager.accounts': 'account1,account2',
    'mail.accountmanager.defaultaccount': 'account1',
    'mail.accountmanager.localfoldersserver': 'server2',
    'mail.account.account1.server': 'server1',
    'mail.account.account1.identities': 'id1',
    'mail.account.account2.server': 'server2',
    'mail.account.lastKey': 2,
    'mail.identity.id1.fullName': 'Alice',
    'mail.identity.id1.useremail': 'alice@example.test',
    'mail.identity.id1.valid': true,
    // Else it fetches a preview for the notice of new mail, and the end of that ends a download before it has begun.
    'mail.biff.show_alert': false,
    'mail.biff.alert.show_preview': false,
    'mail.biff.play_sound': false,
    // Nothing asks, nothing phones home.
    'app.donation.eoy.version.viewed': 999,
    'app.normandy.enabled': false,
    'app.update.enabled': false,
    'datareporting.healthreport.uploadEnabled': false,
    'datareporting.policy.dataSubmissionPolicyBypassNotification': true,
    'extensions.getAddons.cache.enabled': false,
    'extensions.update.enabled': false,
    'mail.inappnotifications.enabled': false,
    'mail.provider.suppress_dialog_on_startup': true,
    'mail.rights.version': 1,
    'mail.shell.checkDefaultClient': false,
    'mail.spam.version': 1,
    'mailnews.start_page.enabled': false,
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
    'services.settings.server': 'http://127.0.0.1:9/',
    'toolkit.telemetry.enabled': false,
    // It takes a free port and writes it into its profile.
    'marionette.port': 0,
  };
  return Object.entries(all)
    .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`)
    .join('');
}

/** What every script begins with. */
const prelude = `
  const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
  const server = MailServices.accounts.getAccount("account1").incomingServer;
  const pause = () => new Promise((resolve) => setTimeout(resolve, ${pollMs}));
  /** Polls until it is so; past the deadline it says what it had waited for. */
  const until = async (name, what) => {
    const end = Date.now() + ${waitMs};
    for (;;) {
      const value = what();
      if (value) return value;
      if (Date.now() > end) throw new Error("waited in vain for " + name);
      await pause();
    }
  };
  const inbox = () => server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
  /** Starts what takes a listener for its end; fails with its status. */
  const finished = async (name, start) => {
    let status;
    start({
      QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]),
      OnStartRunningUrl() {},
      OnStopRunningUrl(url, given) { status = given; },
    });
    await until("the end of " + name, () => status !== undefined);
    if (!Components.isSuccessCode(status)) throw new Error(name + " failed with 0x" + status.toString(16));
  };
`;

const storeLogin = `
  await until("the main window", () => Services.wm.getMostRecentWindow("mail:3pane")?.document.readyState === "complete");
  const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
  const [origin, user] = args;
  login.init(origin, null, origin, user, "secret", "", "");
  await Services.logins.addLoginAsync(login);
`;

/** While it lists the folders, it may put another object in the place of one: so the inbox is looked up at each step. */
const openInbox = `
  await finished("the list of folders", (listener) => MailServices.imap.discoverAllFolders(server.rootFolder, listener, null));
  await until("an inbox", inbox);
  const folder = () => inbox().QueryInterface(Ci.nsIMsgImapMailFolder);
  await finished("the update of the inbox", (listener) => folder().updateFolderWithListener(null, listener));
  await until("the list of messages", () => [...folder().messages].length >= args[0]);
`;

const downloadAll = `
  await finished("the download", (listener) => folder().downloadAllForOffline(listener, null));
  await until("all messages", () => [...folder().messages].every((header) => header.flags & Ci.nsMsgMessageFlags.Offline));
`;

const viewEach = `
  for (const header of [...folder().messages]) {
    const uri = folder().getUriForMsg(header);
    const text = await new Promise((resolve, reject) => {
      const chunks = [];
      MailServices.messageServiceFromURI(uri).streamMessage(uri, {
        QueryInterface: ChromeUtils.generateQI(["nsIStreamListener"]),
        onStartRequest() {},
        onDataAvailable(request, stream, offset, count) {
          const input = Cc["@mozilla.org/binaryinputstream;1"].createInstance(Ci.nsIBinaryInputStream);
          input.setInputStream(stream);
          chunks.push(input.readBytes(count));
        },
        onStopRequest(request, status) {
          if (Components.isSuccessCode(status)) resolve(chunks.join("")); else reject("status 0x" + status.toString(16));
        },
      }, null, null, false, "", false);
    });
    await IOUtils.write(PathUtils.join(args[1], "message-" + header.messageKey), Uint8Array.from(text, (c) => c.charCodeAt(0)));
  }
`;

const getNewMail = `
  const folder = await until("an inbox", inbox);
  await finished("the download", (listener) => MailServices.pop3.GetNewMail(null, listener, folder, server));
  await until("all messages", () => folder.getTotalMessages(false) >= args[0]);
`;

async function startProgram(
  profile: string,
  { directory, wrap = (argv) => argv }: Account,
): Promise<{ child: ChildProcess; port: number }> {
  const env = { ...process.env, HOME: directory, MOZ_CRASHREPORTER_DISABLE: '1', NO_AT_BRIDGE: '1' };
  const program = [thunderbirdPath, '--headless', '--marionette', '--remote-allow-system-access'];
  const command = ['setpriv', '--pdeathsig=TERM', ...program, '--no-remote', '--profile', profile];
  const [first = '', ...rest] = wrap(command);
  const child = spawn(
    first,
    rest,
    // A group of its own: its helper processes end with it. And it ends with the test, however that ends.
    { env, detached: true, stdio: 'ignore' },
  );
  const portFile = join(profile, 'MarionetteActivePort');
  const end = performance.now() + startTimeoutMs;
  for (;;) {
    const port = existsSync(portFile) ? Number(readFileSync(portFile, 'utf8')) : 0;
    if (port > 0) return { child, port };
    if (child.exitCode !== null || performance.now() > end) {
      await endProgram(child);
      throw new Error(`Thunderbird did not start; its exit code is ${child.exitCode}`);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs));
  }
}

/** Waits for its end, which was asked for, and makes one after a grace period. */
async function endProgram(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const group = -child.pid;
  const killing = setTimeout(() => process.kill(group, 'SIGKILL'), endTimeoutMs);
  await new Promise((resolve) => child.once('exit', resolve));
  clearTimeout(killing);
}

async function runTask(
  marionette: Marionette,
  account: Account,
  task: ThunderbirdTask,
  count: number,
  out: string,
): Promise<void> {
  const origin = `${task === 'pop3' ? 'mailbox' : 'imap'}://${account.host}`;
  await marionette.run(prelude + storeLogin, [origin, account.user]);
  const script = {
    'imap-offline': openInbox + downloadAll,
    'imap-view': openInbox + viewEach,
    pop3: getNewMail,
  }[task];
  await marionette.run(prelude + script, [count, out]);
}

/** A profile's new database, with every authority of a PEM file in it. */
function trustAll(profile: string, caPath: string): void {
  const database = ['-d', `sql:${profile}`];
  execFileSync('certutil', ['-N', ...database, '--empty-password']);
  const text = readFileSync(caPath, 'utf8');
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  for (const [i, input] of certificates.entries())
    execFileSync('certutil', ['-A', '-n', `test-ca-${i}`, '-t', 'C,,', ...database], { input });
}

/**
 * Fetches a mailbox of `count` messages with a new profile that trusts the account's authorities, and gives what was
 * stored (as a view: what was shown), octet for octet.
 */
export async function thunderbird(account: Account, task: ThunderbirdTask, count: number): Promise<Buffer[]> {
  const profile = join(account.directory, 'profile');
  mkdirSync(profile);
  trustAll(profile, account.caPath);
  return await thunderbirdOf(profile, account, task, count);
}

/** The same with a profile directory that is there already, and trusts what it trusts. */
export async function thunderbirdOf(
  profile: string,
  account: Account,
  task: ThunderbirdTask,
  count: number,
): Promise<Buffer[]> {
  const out = join(account.directory, 'shown');
  mkdirSync(out, { recursive: true });
  writeFileSync(join(profile, 'user.js'), preferences(account, task));
  const { child, port } = await startProgram(profile, account);
  try {
    const marionette = await openMarionette(port);
    try {
      await runTask(marionette, account, task, count, out);
    } finally {
      // It may be gone before it answers.
      await marionette.send('Marionette:Quit', { flags: ['eForceQuit'] }).catch(() => undefined);
      marionette.close();
    }
  } finally {
    await endProgram(child);
  }
  // In a maildir store the messages lie in folders named "cur"; beside them is the index.
  const files = readdirSync(task === 'imap-view' ? out : profile, {
    withFileTypes: true,
    recursive: true,
  });
  return files
    .filter((entry) => entry.isFile() && (task === 'imap-view' || entry.parentPath.endsWith('/cur')))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
}
