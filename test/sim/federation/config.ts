/** What a plan's config means for the core. */
import type { ExportRule } from '../../../src/core/exports.ts';
import type { FederationOptions } from '../../../src/core/federation.ts';
import { parseMatch } from '../../../src/core/match.ts';
import type { ConfigPlan, ExportPlan } from './history.ts';

/** `remembered`: every tag that ever was a peer, as the state directory has it. */
export function optionsOf(tag: string, config: ConfigPlan, remembered: Iterable<string>): FederationOptions {
  const { peers, formerGone, timing, pacing } = config;
  const present = new Set(peers.map((peer) => peer.tag));
  const former = [...remembered].filter((name) => !present.has(name) && name !== tag);
  return {
    tag,
    exports: config.exports.map(ruleFor),
    origins: [
      ...peers.map((peer) => ({ tag: peer.tag, goneState: peer.gone })),
      ...former.map((name) => ({ tag: name, goneState: formerGone, former: true })),
    ],
    timing: {
      aliveEveryMs: timing.alive,
      suspectAfterMs: timing.suspect,
      goneAfterMs: timing.gone,
      firstSyncMs: timing.firstSync,
    },
    pacing: {
      writesPerSecond: pacing.rate ?? Number.POSITIVE_INFINITY,
      burst: pacing.burst,
      window: pacing.window,
    },
  };
}

function ruleFor({ source, context = 'local', devices = [], match }: ExportPlan): ExportRule {
  const parsed = parseMatch(match);
  if (!parsed.ok) throw new Error(`a plan with a match that is none: ${match.join(' ')}`);
  const where = 'plan:1:1';
  return source === 'hint'
    ? { source, context, match: parsed.match, where }
    : { source, devices, match: parsed.match, where };
}
