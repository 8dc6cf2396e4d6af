// Export rules as the config would make them, for tests.
import type { ExportRule } from '../../src/core/exports.ts';
import { type Match, parseMatch } from '../../src/core/match.ts';
import type { Renumber } from '../../src/core/renumber.ts';

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

export function mailboxes(context: string, ...items: string[]): ExportRule {
  const as = { before: 'vm', from: 0, after: '' };
  return { source: 'mailbox', context, match: match(...items), as, where: 'test:1:1' };
}

export function presences(presentity: string, ...items: string[]): ExportRule {
  return { source: 'presence', presentity, match: match(...items), where: 'test:1:1' };
}

/** `{ext}` with something before it, and without its first characters. */
export function as(before: string, from = 0): Renumber {
  return { before, from, after: '' };
}
