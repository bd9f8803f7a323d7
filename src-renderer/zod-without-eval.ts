// Imported before the contract: zod compiles its checks by `new Function`, which the content security policy refuses.
import { config } from 'zod';

config({ jitless: true });
