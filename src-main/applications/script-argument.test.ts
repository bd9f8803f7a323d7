import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scriptArgument } from './script-argument.ts';

/** Arguments as one would type them; `''` is an empty word. */
const given = (interpreter: string, typed: string) =>
  scriptArgument(interpreter, [interpreter, ...typed.split(' ').filter(Boolean)]);

describe('the script of an interpreter', () => {
  test.each([
    ['python3', '/a.py'],
    ['python3.11', '-E -u /a.py -c x'],
    ['python3', '-W ignore -X dev /a.py'],
    ['python3', '-Wignore -Xdev -IWonce /a.py'],
    ['python3', '-uW ignore /a.py'],
    ['python3', '--check-hash-based-pycs always /a.py'],
    ['python3', '-- /a.py'],
    ['perl', '-w -I /lib -T /a.py'],
    ['perl5.36.0', '-I/lib/e -Mstrict -CSDAE /a.py -e x'],
    ['ruby', '-r json -I lib -W2 --enable frozen-string-literal /a.py'],
    ['bash', '-eu -o pipefail +o history --rcfile /x /a.py'],
    ['sh', '-e /a.py -c'],
    ['node', '--max-old-space-size=100 --import ./x.js -r y --enable-source-maps /a.py -p'],
    ['java', '-Xmx1g -cp /x:/y -Da=b --add-modules m -jar /a.py -jar /b.py'],
    ['java', '-jar -Xmx1g /a.py'],
    ['php8.2', '-d x=y -c /etc/php /a.py'],
    ['php', '-dx=y -f /a.py'],
    ['lua5.4', '-e x=1 -l m /a.py'],
    ['tclsh8.6', '-encoding utf-8 /a.py'],
  ])('%s %s: /a.py', (interpreter, typed) => {
    expect(given(`/usr/bin/${interpreter}`, typed)).toBe('/a.py');
  });

  test('of java may be a source file', () => {
    expect(given('java', '--source 21 Main.java x')).toBe('Main.java');
  });

  test.each([
    ['python3', ''],
    ['python3', '-'],
    ['python3', '-c print /a.py'],
    ['python3', '-cprint /a.py'],
    ['python3', '-Im mail /a.py'],
    ['python3', '-W'],
    ['python3', '--'],
    ['perl', '-ne print /a.py'],
    ['perl', '-E print /a.py'],
    ['ruby', '-rjson -e x /a.py'],
    ['bash', '-lc mail /a.py'],
    ['sh', '-s /a.py'],
    ['node', '-e x /a.py'],
    ['node', '--eval=x /a.py'],
    ['node', '--run mail'],
    ['java', '-cp /x org.mail.Main /a.py'],
    ['java', '-m mail/org.Main /a.py'],
    ['java', '-jar'],
    ['php', '-r x /a.py'],
    ['lua', '-e x'],
    ['mutt', '/a.py'],
  ])('%s %s: none', (interpreter, typed) => {
    expect(given(interpreter, typed)).toBeUndefined();
  });

  test('is one of the words, whatever they are', () => {
    const names = ['python3', 'perl', 'ruby', 'bash', 'node', 'java', 'php', 'lua', 'tclsh'];
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.array(fc.string()), (name, words) => {
        const script = scriptArgument(name, [name, ...words]);
        expect(script === undefined || (script !== '' && words.includes(script))).toBe(true);
      }),
    );
  });
});
