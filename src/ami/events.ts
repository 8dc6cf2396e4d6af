/**
 * ExtensionStatus and DeviceStateChange, as events or as rows of a list, in the core's words. Owns what such
 * a packet must look like to be believed.
 */
import type { DeviceStatus, HintStatus } from '../core/source.ts';
import { parseDeviceState } from '../core/state.ts';
import type { Message } from './message.ts';

/** Asterisk's own limits: AST_MAX_EXTENSION and AST_MAX_CONTEXT, both 80 with the NUL (include/asterisk/channel.h). */
const MAX_NAME = 79;
/** DeviceStateList gives what the cache holds, which may be longer than what a hint can name. */
const MAX_DEVICE = 255;
/** Events cut the hint here (main/manager.c, `manager_state_cb`), ExtensionState sooner (`action_extensionstate`). */
const EVENT_HINT_CUT = 511;
const ASKED_HINT_CUT = 255;

const STATUS = /^-?\d{1,3}$/;
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
  return { ...key, hint: Buffer.byteLength(hint) >= cut ? '' : hint, status: Number(status) };
}

/** A device's state, or `undefined` when the packet is not one. */
export function deviceStatus(message: Message): DeviceStatus | undefined {
  const device = message['device'];
  const state = message['state'];
  if (!isName(device, MAX_DEVICE) || state === undefined) return undefined;
  return { device, state: parseDeviceState(state) };
}

function isName(text: string | undefined, max: number): text is string {
  return text !== undefined && text !== '' && text.length <= max && !CONTROL.test(text);
}
