// The one page of the desktop window, and what counts as part of it. Pure.

export const pageScheme = 'postern';
const pageOrigin = `${pageScheme}://app`;
export const pageUrl = `${pageOrigin}/index.html`;

/** Whether a URL lies in our own origin. `URL.origin` is "null" for a scheme that Node doesn't know, so host and scheme. */
export function isOwnUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && url.protocol === `${pageScheme}:` && url.host === 'app' && url.username === '';
}

/** Whether a URL is of what our own page made in memory: a list that is saved as a file. */
export function isOwnBlob(text: string): boolean {
  return text.startsWith(`blob:${pageOrigin}/`);
}
