/** Which Hintmesh this is: what package.json says, beside `src/` and beside `dist/`. */
import { readFileSync } from 'node:fs';

const about: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));

export const VERSION = String((about as { version: unknown }).version);
