// How what is simulated is called, in all processes alike: tags, extensions, lamps. Owns names only.

/** The broker under test. */
export const HUB = 'hub';
export const CONTEXT = 'ext-local';

/** Of peer `n`, 0 <= n. */
export function tagOf(n: number): string {
  return `p${String(n).padStart(3, '0')}`;
}

/** Four digits where there is room for all `count`. */
export function extensionOf(n: number, count: number): string {
  return String((count > 9_000 ? 100_000 : 1_000) + n);
}

export function deviceOf(extension: string): string {
  return `PJSIP/${extension}`;
}

export function lampOf(extension: string, tag: string): string {
  return `${extension}*${tag}`;
}

/** Each peer has an address of loopback of its own, as if it had a host: what is limited by address must not be in the way. */
export function addressOf(n: number): string {
  return `127.0.${1 + Math.floor(n / 250)}.${1 + (n % 250)}`;
}
