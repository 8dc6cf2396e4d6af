/**
 * ExtensionStatus, DeviceStateChange and what is told of channels, as events or as rows of a list, in the core's
 * words. Owns what such a packet must look like to be believed.
 */
import type { ChannelChange, ChannelStatus, DeviceStatus, HintStatus } from '../core/source.ts';
import { parseDeviceState } from '../core/state.ts';
import type { Message } from './message.ts';

/** Asterisk's own limits: AST_MAX_EXTENSION and AST_MAX_CONTEXT, both 80 with the NUL (include/asterisk/channel.h). */
const MAX_NAME = 79;
/** DeviceStateList gives what the cache holds, which may be longer than what a hint can name. */
const MAX_DEVICE = 255;
/** AST_MAX_UNIQUEID (include/asterisk/channel.h), which Originate lets a program choose. */
const MAX_UNIQUEID = 151;
/** Asterisk reserves 80 for most names, not for all. */
const MAX_CHANNEL = 255;
/** Events cut the hint here (main/manager.c, `manager_state_cb`), ExtensionState sooner (`action_extensionstate`; up to 13.0 at 254). */
const EVENT_HINT_CUT = 511;
const ASKED_HINT_CUT = 254;

/** Of one character in UTF-8. */
const MOST_BYTES = 4;

const STATUS = /^-?\d{1,3}$/;
const CHANNEL_STATE = /^\d{1,2}$/;
const CONTROL = /[\u0000-\u001f\u007f]/;

/** A hint's status, or `undefined` when the packet is not one. An event's hint that was cut reads as '' (not told). */
export function hintStatus(message: Message): HintStatus | undefined {
  const extension = message['exten'];
  const context = message['context'];
  if (!isName(extension, MAX_NAME) || !isName(context, MAX_NAME)) return undefined;
  const isRow = message['actionid'] !== undefined;
  return hintOf({ context, extension }, message, isRow ? Number.POSITIVE_INFINITY : EVENT_HINT_CUT);
}

/** The answer to ExtensionState about the hint `key`; its own Exten and Context headers are not needed. */
export function askedStatus(
  key: { readonly context: string; readonly extension: string },
  message: Message,
): HintStatus | undefined {
  return hintOf({ context: key.context, extension: key.extension }, message, ASKED_HINT_CUT);
}

function hintOf(
  key: { readonly context: string; readonly extension: string },
  message: Message,
  cut: number,
): HintStatus | undefined {
  const status = message['status'];
  const hint = message['hint'] ?? '';
  if (status === undefined || !STATUS.test(status) || CONTROL.test(hint)) return undefined;
  const isCut = hint.length * MOST_BYTES >= cut && Buffer.byteLength(hint) >= cut;
  const { context, extension } = key;
  return { context, extension, hint: isCut ? '' : hint, status: Number(status) };
}

/** A device's state, or `undefined` when the packet is not one. */
export function deviceStatus(message: Message): DeviceStatus | undefined {
  const device = message['device'];
  const state = message['state'];
  if (!isName(device, MAX_DEVICE) || state === undefined) return undefined;
  return { device, state: parseDeviceState(state) };
}

/** A row of CoreShowChannels, or the like of it in an event; `undefined` when the packet is neither. */
export function channelStatus(message: Message): ChannelStatus | undefined {
  const id = message['uniqueid'];
  const name = message['channel'];
  const state = message['channelstate'];
  if (!isName(id, MAX_UNIQUEID) || !isName(name, MAX_CHANNEL)) return undefined;
  if (state === undefined || !CHANNEL_STATE.test(state)) return undefined;
  return { id, name, state: Number(state) };
}

/** What an event tells of a channel, or `undefined` when it tells of none. */
export function channelChange(message: Message): ChannelChange | undefined {
  const id = message['uniqueid'];
  const name = message['event'] === 'Rename' ? message['newname'] : message['channel'];
  if (!isName(id, MAX_UNIQUEID) || !isName(name, MAX_CHANNEL)) return undefined;
  switch (message['event']) {
    case 'Newchannel':
    case 'Newstate': {
      const status = channelStatus(message);
      return status && { type: 'state', ...status };
    }
    case 'Rename':
      return { type: 'renamed', id, name };
    case 'Hold': {
      // Up to 11 it has a Status, On or Off, and there is no Unhold (channels/chan_sip.c, `change_hold_state`).
      const status = message['status']?.toLowerCase() ?? 'on';
      return status === 'on' || status === 'off'
        ? { type: 'held', id, name, held: status === 'on' }
        : undefined;
    }
    case 'Unhold':
      return { type: 'held', id, name, held: false };
    case 'Hangup':
      return { type: 'gone', id };
    default:
      return undefined;
  }
}

function isName(text: string | undefined, max: number): text is string {
  return text !== undefined && text !== '' && text.length <= max && !CONTROL.test(text);
}
