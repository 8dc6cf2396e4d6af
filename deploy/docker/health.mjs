// HEALTHCHECK of the broker's image: whether the process works, asked where it left its address, for the config may
// say another one by now, or be no config at all; else where the config says that it answers. The program's own
// readers are used, so another port, another address and HINTMESH_HTTP_… are well.
import { urlOf } from '../../dist/cli/broker-address.js';
import { readToken } from '../../dist/cli/token.js';
import { readHttpAddress } from '../../dist/config/http-address.js';

/** Milliseconds; below --timeout of the HEALTHCHECK. */
const ANSWER_MS = 3_000;
/** state_dir of the image, should the config not tell. */
const VOLUME = '/var/lib/hintmesh';
const [file = '/etc/hintmesh/hintmesh.yaml'] = process.argv.slice(2);

const address = readHttpAddress(file, process.env);
const left = whereItListens(address.stateDir ?? VOLUME);
if (left === null) {
  // There is nobody to ask, and that the process runs Docker sees itself.
  finish(true, 'it serves no HTTP: nobody to ask');
} else if (left !== undefined) {
  await ask(left);
} else if (address.ok) {
  await ask(urlOf(address));
} else {
  const off = readHttpAddress(file, { ...process.env, HINTMESH_HTTP_ENABLED: 'true' }).ok;
  finish(off, off ? 'http.enabled is false: nobody to ask' : `${address.why}; ${address.cure}`);
}

/** `null`: nowhere; `undefined`: it did not say. */
function whereItListens(stateDir) {
  try {
    return readToken(stateDir).url;
  } catch {
    return undefined;
  }
}

async function ask(base) {
  const url = `${base}/healthz`;
  try {
    const { status } = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    finish(status === 200, `${url}: ${status}`);
  } catch (error) {
    finish(false, `${url}: ${error.cause?.message ?? error.message}`);
  }
}

/** `docker inspect` shows what a check printed. */
function finish(well, text) {
  process.stdout.write(`${text}\n`);
  process.exitCode = well ? 0 : 1;
}
