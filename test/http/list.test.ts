// A long list, sent at the pace of its reader.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { sendList } from '../../src/http/list.ts';
import { Wire } from './edge.ts';
import { stateRows } from './served.ts';

const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n';
/** A few turns' rows. */
const FEW_BYTES = 512 * 1024;

test('little of a list waits for a reader that does not read, and a reader that goes ends it', async (t) => {
  const rows = stateRows(100_000);
  const responses: ServerResponse[] = [];
  let sent = 0;
  const server = createServer((_request, response) => {
    responses.push(response);
    void sendList(response, rows).then(() => {
      sent += 1;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const readers = [new Wire(port, REQUEST), new Wire(port, REQUEST)];
  for (const { socket } of readers) socket.once('data', () => socket.pause());
  // Twice as many turns as all rows need.
  for (let turn = 0; turn < 400; turn += 1) {
    await nextTurn();
    for (const { writableLength } of responses)
      assert.ok(writableLength < FEW_BYTES, `${writableLength} bytes wait`);
  }
  assert.deepEqual([responses.length, sent], [2, 0]);
  const [reads, goes] = readers;
  goes?.end();
  reads?.socket.resume();
  assert.match((await reads?.whole()) ?? '', /\n\]\n\r\n0\r\n\r\n$/);
  while (sent < 2) await nextTurn();
});
