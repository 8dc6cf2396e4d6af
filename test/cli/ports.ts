// Ports of loopback for processes that must be told one. Owns the choice.
import assert from 'node:assert/strict';
import { createServer } from 'node:net';

/** As many ports, each another, that nobody had a moment ago. */
export async function freePorts<const T extends readonly string[]>(
  ...names: T
): Promise<Record<T[number], number>> {
  const servers = names.map(() => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => new Promise((resolve) => server.once('listening', resolve))));
  const ports = servers.map((server) => {
    const address = server.address();
    assert.ok(address !== null && typeof address === 'object');
    return address.port;
  });
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return Object.fromEntries(names.map((name, at) => [name, ports[at]])) as Record<T[number], number>;
}
