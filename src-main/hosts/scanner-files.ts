// Where the scanner's worker and rules lie in a clone. A built desktop host has its own beside its bundle.
import { fileURLToPath } from 'node:url';

export const workerUrl = new URL('../scanner/worker.ts', import.meta.url);
export const rulesDirectory: string = fileURLToPath(new URL('../scanner/rules', import.meta.url));
