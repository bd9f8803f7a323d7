// Where the scanner's workers and rules lie in a clone. A built desktop host has its own beside its bundle.
import { fileURLToPath } from 'node:url';

export const workerUrl = new URL('../scanner/worker.ts', import.meta.url);
export const summaryWorkerUrl = new URL('../scanner/summary-worker.ts', import.meta.url);
export const rulesDirectory: string = fileURLToPath(new URL('../scanner/rules', import.meta.url));
