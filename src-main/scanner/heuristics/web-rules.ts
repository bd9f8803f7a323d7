// Rules about web pages and links, in messages and as attachments.
import { hiddenTypes } from './kinds.ts';
import type { Judgement, Severity, Subject } from './subject.ts';
import type { Trait } from './traits.ts';

const smuggledProgram: Judgement = {
  name: 'Postern.Html.SmuggledProgram',
  severity: 'harmful',
  group: 'attachments',
};
const smuggling: Judgement = { name: 'Postern.Html.Smuggling', severity: 'suspicious', group: 'attachments' };
const makesFile: Judgement = { name: 'Postern.Html.MakesFile', severity: 'note', group: 'attachments' };
const refresh: Judgement = { name: 'Postern.Html.Refresh', severity: 'note', group: 'phishing' };
const svgScript: Judgement = {
  name: 'Postern.Html.ScriptInPicture',
  severity: 'suspicious',
  group: 'attachments',
};
const attachedForm: Judgement = {
  name: 'Postern.Phishing.AttachedForm',
  severity: 'suspicious',
  group: 'phishing',
};
const form: Judgement = { name: 'Postern.Phishing.PasswordForm', severity: 'note', group: 'phishing' };

const link = (name: string, severity: Severity): Judgement => ({ name, severity, group: 'phishing' });

const links: ReadonlyMap<Trait, Judgement> = new Map<Trait, Judgement>([
  ['link-host-differs', link('Postern.Phishing.LinkHost', 'suspicious')],
  ['link-punycode', link('Postern.Phishing.LinkLookalike', 'suspicious')],
  ['link-mixed-script', link('Postern.Phishing.LinkMixedScript', 'suspicious')],
  ['link-user-info', link('Postern.Phishing.LinkUserInfo', 'suspicious')],
  ['link-ip-address', link('Postern.Phishing.LinkAddress', 'note')],
]);

const linkProgram = link('Postern.Phishing.LinkProgram', 'suspicious');
const linkScript = link('Postern.Phishing.LinkScript', 'note');

/** Octets of a page in which links are looked for once more. */
const linkBytes = 1024 * 1024;

/** Honest pages have `javascript:` links, which mail programs do not follow. */
const programLink = /=\s*["']?\s*(?:file|search(?:-ms)?|shell|mk|its|vbscript|ms-(?!settings)[a-z-]{1,40}):/i;

function judgeProgramLink({ bytes }: Subject): Judgement {
  return programLink.test(bytes.toString('latin1', 0, linkBytes)) ? linkProgram : linkScript;
}

const smugglingTraits = ['html-decodes', 'html-makes-file', 'html-downloads'] as const;

/** Reports carry data that they unpack for whoever looks at them; programs are something else. */
function isHiding({ holds }: Subject): boolean {
  return [...holds].some((type) => hiddenTypes.has(type));
}

function judgeScripts(subject: Subject): readonly Judgement[] {
  const { type, traits } = subject;
  const steps = smugglingTraits.filter((trait) => traits.has(trait)).length;
  if (steps === smugglingTraits.length) return [isHiding(subject) ? smuggledProgram : smuggling];
  if (type === 'svg' && traits.has('html-script')) return [svgScript];
  return steps === smugglingTraits.length - 1 ? [makesFile] : [];
}

export function webRules(subject: Subject): readonly Judgement[] {
  const { traits, names, around } = subject;
  if (traits.size === 0) return [];
  const found = [...judgeScripts(subject)];
  // The text of a message has no name; a page that asks for a password is a file.
  const isAttached = names.length > 0 && around.length > 0;
  if (traits.has('html-password-form')) found.push(isAttached ? attachedForm : form);
  if (traits.has('html-refresh')) found.push(refresh);
  for (const [trait, judgement] of links) if (traits.has(trait)) found.push(judgement);
  if (traits.has('link-program-scheme')) found.push(judgeProgramLink(subject));
  return found;
}
