/**
 * The device states of Asterisk and their algebra. Owns: the closed list, how states combine, how an
 * extension status reads as a device state, and which states can be written. Knows no names, no time.
 */

/** In the order of Asterisk's `devstatestring` (main/devicestate.c). */
export const DEVICE_STATES = [
  'UNKNOWN',
  'NOT_INUSE',
  'INUSE',
  'BUSY',
  'INVALID',
  'UNAVAILABLE',
  'RINGING',
  'RINGINUSE',
  'ONHOLD',
] as const;

export type DeviceState = (typeof DEVICE_STATES)[number];

/** What `DEVICE_STATE(Custom:…)` accepts: all but UNKNOWN (funcs/func_devstate.c, `devstate_write`). */
export type WritableState = Exclude<DeviceState, 'UNKNOWN'>;

/** Higher hides lower: the ranks of `ast_devstate_aggregate_add` (main/devicestate.c). */
const RANK: Record<DeviceState, number> = {
  INVALID: 0,
  UNKNOWN: 1,
  UNAVAILABLE: 2,
  NOT_INUSE: 3,
  ONHOLD: 4,
  RINGING: 5,
  INUSE: 6,
  BUSY: 7,
  RINGINUSE: 8,
};

const KNOWN: ReadonlySet<string> = new Set(DEVICE_STATES);

export function isDeviceState(word: string): word is DeviceState {
  return KNOWN.has(word);
}

/** Any spelling Asterisk takes; a word it does not know is UNKNOWN (`ast_devstate_val`). Never throws. */
export function parseDeviceState(word: string): DeviceState {
  const upper = word.toUpperCase();
  return isDeviceState(upper) ? upper : 'UNKNOWN';
}

/**
 * The state of several devices taken as one: the highest rank, and RINGINUSE when one rings while another
 * is in use, busy or on hold. Order-free. No devices at all: INVALID, the neutral element.
 */
export function aggregate(states: Iterable<DeviceState>): DeviceState {
  let result: DeviceState = 'INVALID';
  let ringing = false;
  let engaged = false;
  for (const state of states) {
    if (state === 'RINGING') ringing = true;
    if (state === 'INUSE' || state === 'ONHOLD' || state === 'BUSY') engaged = true;
    if (RANK[state] > RANK[result]) result = state;
  }
  return ringing && engaged ? 'RINGINUSE' : result;
}

/**
 * An AMI `Status` of ExtensionStatus as a device state, the inverse of `ast_devstate_to_extenstate`
 * (main/pbx.c). `undefined`: no such hint (-1), hint removed (-2), or a number Asterisk does not send.
 * 0 reads as NOT_INUSE: Asterisk itself shows UNKNOWN as idle there, so the difference is already lost.
 */
export function fromExtensionStatus(status: number): DeviceState | undefined {
  switch (status) {
    case 0:
      return 'NOT_INUSE';
    case 1:
      return 'INUSE';
    case 2:
      return 'BUSY';
    case 4:
      return 'UNAVAILABLE';
    case 8:
      return 'RINGING';
    case 9:
      return 'RINGINUSE';
    case 16:
      return 'ONHOLD';
    case 17: // InUse&Hold: documented, never produced; its phones would show "in use"
      return 'INUSE';
    default:
      return undefined;
  }
}

/** By `ChannelState` number (include/asterisk/channelstate.h): Down, Rsrvd, OffHook, Dialing, Ring, Ringing, Up, … */
const OF_CHANNEL: readonly DeviceState[] = [
  'NOT_INUSE', // Down
  'INUSE', // Reserved
  'INUSE', // Off hook
  'INUSE', // Dialing
  'INUSE', // Ring: the calling party, whose own phone is busy with the call
  'RINGING',
  'INUSE', // Up
  'BUSY',
  'INUSE', // Dialing off hook
  'RINGING', // Pre-ring
  'INUSE', // Mute, which Asterisk's own table leaves out
];

/** A channel's state as its device's (main/devicestate.c, `chan2dev`); a number Asterisk does not have is UNKNOWN. */
export function fromChannelState(state: number): DeviceState {
  return OF_CHANNEL[state] ?? 'UNKNOWN';
}

/** What is written for a state an origin reports: UNKNOWN cannot be written and its own phones show idle. */
export function toWritable(state: DeviceState): WritableState {
  return state === 'UNKNOWN' ? 'NOT_INUSE' : state;
}
