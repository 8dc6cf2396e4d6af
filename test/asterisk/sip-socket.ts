// A phone's UDP socket. Owns how it reaches its PBX; what is said is sip.ts's and the phone's.
import type { Socket } from 'node:dgram';
import type { Asterisk } from './asterisk.ts';
import { parseSip, type SipMessage } from './sip.ts';

/** From now on `heard` is called at each message. Returns the local address and port, as the PBX sees them. */
export async function connectSip(
  socket: Socket,
  pbx: Asterisk,
  heard: (message: SipMessage) => void,
): Promise<string> {
  socket.on('message', (data) => heard(parseSip(data.toString('utf8'))));
  socket.on('error', () => {});
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.connect(pbx.sipPort, pbx.host, resolve);
  });
  const { address, port } = socket.address();
  return `${address}:${port}`;
}
