// HEALTHCHECK of the broker's image: whether the process works, asked where its config says that it answers. The
// program's own reader is used, so another port, another address and HINTMESH_HTTP_… are well.
import { readHttpAddress } from '../../dist/config/http-address.js';

/** Milliseconds; below --timeout of the HEALTHCHECK. */
const ANSWER_MS = 3_000;
const [file = '/etc/hintmesh/hintmesh.yaml'] = process.argv.slice(2);

const address = readHttpAddress(file, process.env);
if (address.ok) {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host;
  const url = `http://${host}:${address.port}/healthz`;
  try {
    const { status } = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
    finish(status === 200, `${url}: ${status}`);
  } catch (error) {
    finish(false, `${url}: ${error.cause?.message ?? error.message}`);
  }
} else {
  // With http.enabled: false there is nobody to ask, and that the process runs Docker sees itself.
  const off = readHttpAddress(file, { ...process.env, HINTMESH_HTTP_ENABLED: 'true' }).ok;
  finish(off, off ? 'http.enabled is false: nobody to ask' : address.why);
}

/** `docker inspect` shows what a check printed. */
function finish(well, text) {
  process.stdout.write(`${text}\n`);
  process.exitCode = well ? 0 : 1;
}
