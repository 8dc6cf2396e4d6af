// The connections that the peers of this process dial, from an address each. Owns the sockets below TLS: what they have
// carried, and that all can be destroyed at one moment.
import net, { type Socket } from 'node:net';
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls';

/** Certificate → the address its peer dials from. */
const addresses = new Map<string, string>();
const sockets = new Set<Socket>();
let bytesOfEnded = 0;

const connect = tls.connect as (options: ConnectionOptions) => TLSSocket;
// The product has no option for the address it dials from, and a TLS socket counts what is inside TLS.
Object.assign(tls, {
  connect(options: ConnectionOptions): TLSSocket {
    const { host = '', port = 0, cert } = options;
    const socket = net.connect({ host, port, localAddress: addresses.get(String(cert)) ?? host });
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      bytesOfEnded += carried(socket);
    });
    const secure = connect({ ...options, socket });
    socket.once('error', (error) => secure.destroy(error));
    return secure;
  },
});

export function dialFrom(address: string, certificate: string): void {
  addresses.set(certificate, address);
}

/** Bytes of TLS so far, both ways, handshakes too. */
export function wireBytes(): number {
  return [...sockets].reduce((sum, socket) => sum + carried(socket), bytesOfEnded);
}

/** All at one moment, without a word. */
export function cutAll(): void {
  for (const socket of sockets) socket.destroy();
}

function carried({ bytesRead, bytesWritten }: Socket): number {
  return bytesRead + bytesWritten;
}
