// Export rules as the config would make them, for tests.
import type { ExportRule } from '../../src/core/exports.ts';
import { type Match, parseMatch } from '../../src/core/match.ts';

export function match(...items: string[]): Match {
  const parsed = parseMatch(items);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed));
  return parsed.match;
}

export function hints(context: string, ...items: string[]): ExportRule {
  return { source: 'hint', context, match: match(...items), where: 'test:1:1' };
}

export function devices(templates: string[], ...items: string[]): ExportRule {
  return { source: 'device', devices: templates, match: match(...items), where: 'test:1:1' };
}

export function channels(templates: string[], ...items: string[]): ExportRule {
  return { source: 'channels', devices: templates, match: match(...items), where: 'test:1:1' };
}
