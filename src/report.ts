/**
 * What happens, in words: one line of the log for each note of the core, the mesh and the AMI edge. Owns the
 * texts and levels, and the broker's closed list of event names; decides nothing.
 */
import type { AmiDown } from './ami/contract.ts';
import type { Condition } from './conditions.ts';
import type { Note } from './core/note.ts';
import type { Belief } from './core/peer.ts';
import type { LinkEnd, MeshNote } from './mesh/mesh.ts';

export type Level = 'debug' | 'info' | 'warn' | 'error';

/** One line of the log. `fields` never hold a secret. */
export interface Report {
  readonly level: Level;
  readonly event: ReportEvent;
  readonly text: string;
  readonly fields: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** docs/log.md tells what each means; a test compares. */
export const REPORT_EVENTS = [
  'started',
  'stopped',
  'asterisk-up',
  'asterisk-relisted',
  'asterisk-down',
  'asterisk-unavailable',
  'standby',
  'link-up',
  'link-down',
  'link-refused',
  'link-unreachable',
  'frames-skipped',
  'peer-belief',
  'peer-bye',
  'extension-refused',
  'hint-names-lamp',
  'exports-left-out',
  'write-refused',
  'lamp-drift',
  'lamp',
  'condition-raised',
  'condition-cleared',
] as const;
export type ReportEvent = (typeof REPORT_EVENTS)[number];

const BELIEF_TEXT: Record<Belief, string> = {
  unheard: 'was not heard yet',
  live: 'is live; its lamps are true',
  suspect: 'is silent; its lamps are held for now',
  gone: 'is gone; nobody vouches for its lamps',
};

export function ofNote(note: Note): Report {
  switch (note.kind) {
    case 'belief': {
      const level = note.to === 'gone' ? 'warn' : 'info';
      const fields = { peer: note.peer, from: note.from, to: note.to };
      return { level, event: 'peer-belief', text: `${note.peer} ${BELIEF_TEXT[note.to]}`, fields };
    }
    case 'bye': {
      const text = note.final ? `${note.peer} left for good` : `${note.peer} stops in good order`;
      return { level: 'info', event: 'peer-bye', text, fields: { peer: note.peer, final: note.final } };
    }
    case 'extensionRefused': {
      const fields = { peer: note.peer, extension: note.extension };
      return { level: 'warn', event: 'extension-refused', text: `extension refused: ${note.why}`, fields };
    }
    case 'hintNamesLamp': {
      const { context, extension } = note;
      const text = `hint ${extension}@${context} names a lamp and is not exported: two PBXs would keep each other in use for ever`;
      return { level: 'warn', event: 'hint-names-lamp', text, fields: { context, extension } };
    }
    case 'exportsLeftOut': {
      const text = `${note.count} extensions are left out: there are more than a broker can export`;
      return { level: 'error', event: 'exports-left-out', text, fields: { count: note.count } };
    }
    case 'writeRefused': {
      const text = `Asterisk did not take the state of lamp ${note.lamp}: ${note.why}; it is tried again`;
      return { level: 'warn', event: 'write-refused', text, fields: { lamp: note.lamp } };
    }
    case 'drift': {
      const text = `lamp ${note.lamp} was changed by somebody else; it is written again`;
      return { level: 'warn', event: 'lamp-drift', text, fields: { lamp: note.lamp } };
    }
  }
}

export function ofMeshNote({ kind, reason, who, text, count }: MeshNote): Report {
  const fields = { who, reason, count };
  switch (kind) {
    case 'refused':
    case 'refused-by-peer':
      return { level: 'warn', event: 'link-refused', text, fields };
    case 'unreachable':
      return { level: 'warn', event: 'link-unreachable', text, fields };
    case 'skipped':
      return { level: 'info', event: 'frames-skipped', text, fields };
  }
}

/** Ends that are no fault: ours to stop, or another link carries on. */
const ORDERLY: ReadonlySet<LinkEnd['reason']> = new Set(['stopped', 'peer-changed', 'duplicate', 'replaced']);

export function ofLinkEnd(peer: string, { reason, text }: LinkEnd): Report {
  const level = ORDERLY.has(reason) ? 'info' : 'warn';
  return { level, event: 'link-down', text: `link to ${peer} is down: ${text}`, fields: { peer, reason } };
}

export function ofAmiDown(
  event: 'asterisk-down' | 'asterisk-unavailable',
  { reason, text }: AmiDown,
): Report {
  const isWanted = reason === 'stopped' || reason === 'reconfigured' || reason === 'standby';
  return { level: isWanted ? 'info' : 'error', event, text, fields: { reason } };
}

export function ofCondition(
  type: 'raised' | 'cleared',
  { code, severity, subject, text, cure, since }: Condition,
  now: number,
): Report {
  const fields = { code, severity, ...(subject !== '' && { subject }) };
  if (type === 'cleared') {
    const seconds = Math.round((now - since) / 1_000);
    const words = `no longer so, after ${seconds} s: ${text}`;
    return { level: 'info', event: 'condition-cleared', text: words, fields: { ...fields, seconds } };
  }
  const level = severity === 'error' ? 'error' : 'warn';
  return { level, event: 'condition-raised', text, fields: { ...fields, cure } };
}
