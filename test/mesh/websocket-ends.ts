// The other end of a WebSocket connection, as a test wants it to be.
import tls from 'node:tls';
import { WebSocket } from 'ws';
import { PATH } from '../../src/mesh/websocket-server.ts';
import { aa, stranger, toClose } from './tcp-ends.ts';

export const proof = { cert: aa.certificate, key: aa.key };
export const strange = { cert: stranger.certificate, key: stranger.key };

/** TLS to a listener with what a test wants to be wrong. */
export async function tlsTo(port: number, options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
  const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  toClose.push(() => socket.destroy());
  socket.on('error', () => {});
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  return socket;
}

/** A plain ws client with the key of `aa`. */
export async function client(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`wss://127.0.0.1:${port}${PATH}`, { ...proof, rejectUnauthorized: false });
  toClose.push(() => socket.terminate());
  socket.on('error', () => {});
  await new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
  });
  return socket;
}
