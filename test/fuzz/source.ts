/** What is tried: src/, or a copy of it that a test has broken. Owns which of its modules are needed. */
import { fileURLToPath } from 'node:url';

export const SRC = fileURLToPath(new URL('../../src', import.meta.url));

export interface Source {
  readonly Federation: typeof import('../../src/core/federation.ts').Federation;
  readonly Link: typeof import('../../src/mesh/link.ts').Link;
  readonly frames: typeof import('../../src/mesh/frames.ts');
  readonly encode: typeof import('../../src/ami/encode.ts').encode;
  readonly createAsterisk: typeof import('../../src/ami/asterisk.ts').createAsterisk;
}

/** `folder` is laid out as src/. */
export async function loadSource(folder = SRC): Promise<Source> {
  const from = (file: string) => import(`${folder}/${file}`);
  const [core, link, frames, encode, asterisk] = await Promise.all([
    from('core/federation.ts'),
    from('mesh/link.ts'),
    from('mesh/frames.ts'),
    from('ami/encode.ts'),
    from('ami/asterisk.ts'),
  ]);
  return {
    Federation: core.Federation,
    Link: link.Link,
    frames,
    encode: encode.encode,
    createAsterisk: asterisk.createAsterisk,
  };
}
