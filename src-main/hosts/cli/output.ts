// What commands write to standard output.

/** One line; a reader that has left is no error (main.ts takes EPIPE). */
export function printLine(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Text for a terminal: control characters of a name or a subject could steer it. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for (C0, DEL, C1)
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd');
}
