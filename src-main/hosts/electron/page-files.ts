// Serves the built renderer under its own scheme: files of one folder, and no way out of it.
import { extname, join, normalize, sep } from 'node:path';
import { contentSecurityPolicyHeader } from '../content-security-policy.ts';
import { isOwnUrl } from './own-page.ts';

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

export interface PageFilesOptions {
  readonly rendererDir: string;
  readonly readFile: (path: string) => Promise<Uint8Array<ArrayBuffer>>;
}

const refusal = (status: number) => new Response(null, { status });

/** The path below `rendererDir` that a URL names, or `undefined` when it names none. */
export function pathOfUrl(rendererDir: string, text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null || !isOwnUrl(text)) return undefined;
  let name: string;
  try {
    name = decodeURIComponent(url.pathname);
  } catch {
    // "%" with no two hex digits behind it.
    return undefined;
  }
  // URL has resolved plain dots; encoded separators come to light only now.
  if (name.includes('\0') || name.includes('\\') || name.split('/').includes('..')) return undefined;
  const path = normalize(join(rendererDir, name === '/' ? 'index.html' : name));
  return path.startsWith(rendererDir + sep) ? path : undefined;
}

/** The handler for `protocol.handle`. */
export function servePageFiles({ rendererDir, readFile }: PageFilesOptions) {
  return async (request: Pick<Request, 'method' | 'url'>): Promise<Response> => {
    if (request.method !== 'GET') return refusal(405);
    const path = pathOfUrl(rendererDir, request.url);
    const type = path === undefined ? undefined : types[extname(path)];
    if (path === undefined || type === undefined) return refusal(404);
    try {
      const headers = {
        'content-type': type,
        'content-security-policy': contentSecurityPolicyHeader,
        'x-content-type-options': 'nosniff',
        'cache-control': 'no-store',
      };
      return new Response(await readFile(path), { headers });
    } catch (error) {
      if (error instanceof Error && 'code' in error) return refusal(404);
      throw error;
    }
  };
}
