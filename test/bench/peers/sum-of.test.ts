import assert from 'node:assert/strict';
import test from 'node:test';
import { sumOf } from './broker.ts';

const SCRAPE = `# HELP hintmesh_peer_frames_sent_total Frames
# TYPE hintmesh_peer_frames_sent_total counter
hintmesh_peer_frames_sent_total{peer="p000"} 12
hintmesh_peer_frames_sent_total{peer="p001"} 30
hintmesh_lamps_owed 0
hintmesh_lamps 7
`;

test('all series of a name are added, and no others', () => {
  assert.equal(sumOf(SCRAPE, 'hintmesh_peer_frames_sent_total'), 42);
  assert.equal(sumOf(SCRAPE, 'hintmesh_lamps'), 7);
  assert.equal(sumOf(SCRAPE, 'hintmesh_none'), 0);
});
