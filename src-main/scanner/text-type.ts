// What a text is by what stands at its beginning: markup, a message, a script, or just text. Careful with scripts: prose
// and the bodies of messages quote them.
import type { FileType } from './file-types.ts';

/** Fields that begin messages (RFC 5322 §3.6, and what servers and lists put before them). */
const knownField =
  /^(?:received|from|to|cc|subject|date|message-id|mime-version|return-path|content-type|delivered-to|reply-to|sender|dkim-signature|authentication-results|arc-seal|x-[a-z-]{2,40}):/gim;
const firstField = /^(?:>?from |[\x21-\x39\x3b-\x7e]{1,76}[ \t]*:)/i;

/** Known fields from which on a text that begins with a field is a message. */
const fieldsOfMessage = 2;

function isMessage(text: string): boolean {
  if (!firstField.test(text)) return false;
  const headerEnd = /\r?\n\r?\n/.exec(text)?.index ?? text.length;
  const fields = text.slice(0, headerEnd).match(knownField) ?? [];
  return new Set(fields.map((field) => field.toLowerCase())).size >= fieldsOfMessage;
}

/** What a page has that text hardly has. */
const pageTag = /<(?:!doctype\s+html|html|head|body|script|iframe|form|meta)[\s>/]/i;
const htmlTag =
  /<(?:!doctype\s+html|html|head|body|script|title|meta|style|table|div|span|center|iframe|form|img|font|svg:svg|p|a|b|h[1-6]|br|base|link|ul|ol)[\s>/]/i;

function markupTypeOf(text: string): FileType {
  if (/<hta:application/i.test(text)) return 'hta';
  if (
    /^(?:<\?[^>]{0,200}>\s*|<!--[^>]{0,500}-->\s*){0,4}<(?:job|package|scriptlet|component)[\s>]/i.test(text)
  )
    return 'windows-script';
  const svg = /<svg[\s>]/i.exec(text)?.index ?? -1;
  const html = htmlTag.exec(text)?.index ?? -1;
  if (svg !== -1 && (html === -1 || svg < html)) return 'svg';
  if (/^<\?xml/i.test(text)) return /<(?:!doctype\s+html|html)[\s>]/i.test(text) ? 'html' : 'xml';
  return html === -1 ? 'text' : 'html';
}

/** `text` behind its blanks and its comments; `comment`: one of them at the beginning. */
function firstStatement(text: string, comment: RegExp): string {
  let rest = text.trimStart();
  for (let found = comment.exec(rest); found; found = comment.exec(rest))
    rest = rest.slice(found[0].length).trimStart();
  return rest;
}

const javascript = {
  comment: /^(?:\/\/[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|<!--[^\n]*\n)/,
  starts: [
    /^(?:var|let|const)\s+[\w$]+\s*(?:[=;]|,\s*[\w$]+\s*[=,;])/,
    /^(?:async\s+)?function\s*[\w$]*\s*\([^)]{0,200}\)\s*\{/,
    /^[!;+(]{1,8}(?:async\s+)?(?:function\s*[\w$]*\s*\(|\([\w$,\s]{0,200}\)\s*=>)/,
    /^(?:try\s*\{|eval\s*\(|["']use strict["']|new\s+ActiveXObject)/,
    /^import\s[^;\n]{1,200}\sfrom\s+["']/,
    /^(?:this|window|document|module|exports|WScript)(?:\.[\w$]{1,80}|\[[^\]\n]{1,80}\]){1,8}\s*[=(]/,
    /^[\w$]{1,80}\s*=\s*(?:function\b|new\s+ActiveXObject)/,
    /^\/\*@cc_on/,
  ],
};
const windowsObjects = /\bActiveXObject\b|\bWScript\s*(?:\.|\[)/i;

const visualBasic = {
  comment: /^(?:'|rem\s)[^\n]*(?:\n|$)/i,
  starts: [
    /^(?:option\s+explicit\b|on\s+error\s+(?:resume|goto)\b|execute(?:global)?[\s(])/i,
    /^dim\s+\w+(?:\s*[,(\r\n:]|\s+as\s)/i,
    /^set\s+\w+\s*=\s*(?:createobject|getobject|wscript)/i,
    /^(?:(?:public|private)\s+)?(?:sub|function)\s+\w+\s*\([^)\n]{0,200}\)\s*(?:as\s+\w+\s*)?[\r\n:]/i,
    /^(?:createobject\s*\(|wscript\.)/i,
  ],
};

const batch = {
  comment: /^(?:rem\s|::)[^\n]*(?:\n|$)/i,
  starts: [
    /^@?echo\s+off\b/i,
    /^@(?:echo|if|set|cd|start|rem|powershell|cmd|call|for|goto|title|cls|setlocal)\b/i,
    /^(?:setlocal\b|chcp\s+\d+|cls\s*[\r\n])/i,
  ],
};

const powershell = {
  comment: /^(?:#[^\n]*(?:\n|$)|<#[\s\S]*?#>)/,
  starts: [
    /^(?:param\s*\(|\[cmdletbinding|\$[a-z_][\w:]{0,80}\s*=[^=]|function\s+\w{1,80}-\w)/i,
    /^(?:import-module\s|write-host\b|invoke-(?:expression|webrequest)\b|iex[\s(]|add-type\b)/i,
    /^(?:set-executionpolicy\b|start-process\b|powershell(?:\.exe)?\s+-)/i,
  ],
};

function isScript(
  text: string,
  { comment, starts }: { comment: RegExp; starts: readonly RegExp[] },
): boolean {
  const first = firstStatement(text, comment);
  return starts.some((start) => start.test(first));
}

function scriptTypeOf(text: string): FileType | undefined {
  if (text.startsWith('#!')) return 'shell-script';
  if (/^attribute\s+vb_name\s*=/i.test(text)) return 'visual-basic';
  if (isScript(text, batch)) return 'batch';
  if (isScript(text, visualBasic)) return 'vbscript';
  if (isScript(text, javascript)) return windowsObjects.test(text) ? 'jscript' : 'javascript';
  return isScript(text, powershell) ? 'powershell' : undefined;
}

/** JScript.Encode and VBScript.Encode: their first octets, whatever the name says. */
const encodedScript = '#@~^';

/** The type of `text`, the beginning of a text without its byte order mark. */
export function textTypeOf(text: string): FileType {
  const trimmed = text.trimStart();
  if (trimmed.startsWith('<')) return markupTypeOf(trimmed);
  if (trimmed.startsWith(encodedScript)) return 'jscript';
  if (/^(?:Windows Registry Editor Version \d|REGEDIT4\s)/.test(trimmed)) return 'registry';
  if (trimmed.startsWith('[')) {
    if (/^\[InternetShortcut(?:\.\w)?\]/i.test(trimmed)) return 'internet-shortcut';
  }
  if (/^[#[]/.test(trimmed) && /^\[Desktop Entry\]/.test(firstStatement(trimmed, powershell.comment)))
    return 'desktop-entry';
  if (isMessage(trimmed)) return 'message';
  return scriptTypeOf(trimmed) ?? (pageTag.test(trimmed) ? 'html' : 'text');
}
