/**
 * What prom-client knows of the process: memory, processor time, event-loop lag, garbage collection. Owns their one
 * registry: they are the process's, not a broker's, and their timers and observers cannot be taken down again.
 */
import { collectDefaultMetrics, Registry } from 'prom-client';

/** Gauges whose names end in `_total`, as only counters' may; each has a twin by type that says more. */
const MISNAMED = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
];

let registry: Registry | undefined;

/** Made when first asked for. */
export function processMetrics(): Registry {
  if (registry === undefined) {
    registry = new Registry();
    collectDefaultMetrics({ register: registry });
    for (const name of MISNAMED) registry.removeSingleMetric(name);
  }
  return registry;
}
