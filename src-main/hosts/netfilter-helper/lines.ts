// Cuts a stream of octets into lines, of which none may be longer than `maxChars`.

/** Yields each line without its end, and undefined in place of one that is too long. What has no end is no line. */
export async function* readLines(input: AsyncIterable<Uint8Array>, maxChars: number) {
  const decoder = new TextDecoder();
  let begun = '';
  for await (const chunk of input) {
    const lines = (begun + decoder.decode(chunk, { stream: true })).split('\n');
    begun = lines.pop() ?? '';
    for (const line of lines) yield line.length > maxChars ? undefined : line;
    if (begun.length > maxChars) yield undefined;
  }
}
