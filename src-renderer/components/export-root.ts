// Gives the root's certificate to the user as a file; its key never leaves the core.
import type { CoreClient } from '../client.ts';
import { download } from './download.ts';

export async function exportRoot(client: CoreClient): Promise<void> {
  const { pem } = await client.trust.certificate();
  download('postern-root.pem', pem, 'application/x-pem-file');
}
