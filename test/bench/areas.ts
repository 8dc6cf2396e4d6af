// Every area of the bench, in the order in which they are measured and shown. Owns the list.
import { cost } from './areas/cost.ts';
import { distance } from './areas/distance.ts';
import { growth } from './areas/growth.ts';
import { idle } from './areas/idle.ts';
import { latency } from './areas/latency.ts';
import { snapshot } from './areas/snapshot.ts';
import { storm } from './areas/storm.ts';
import { throughput } from './areas/throughput.ts';
import { watched } from './areas/watched.ts';
import { wrong } from './areas/wrong.ts';
import type { Area } from './contract.ts';

export const AREAS: readonly Area[] = [
  latency,
  throughput,
  distance,
  watched,
  wrong,
  storm,
  cost,
  growth,
  idle,
  snapshot,
];
