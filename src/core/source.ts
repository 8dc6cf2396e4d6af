/**
 * What the local Asterisk says, as the core sees it: no AMI headers, no sockets. Owns the shapes only.
 */
import type { DeviceState } from './state.ts';

export interface HintKey {
  readonly context: string;
  readonly extension: string;
}

/** One hint: its `ExtensionStatus` number (-1, -2: there is none) and the devices it names ('' = not told). */
export interface HintStatus extends HintKey {
  readonly hint: string;
  readonly status: number;
}

/** One device's aggregate state, as `DeviceStateChange` and DeviceStateList give it. */
export interface DeviceStatus {
  readonly device: string;
  readonly state: DeviceState;
}

/**
 * Everything the local Asterisk has, read at one go in one AMI session. Rows are unique by context and
 * extension, and by device; where an event arrived while the lists were read, the later of the two is here.
 */
export interface Listing {
  readonly hints: readonly HintStatus[];
  readonly devices: readonly DeviceStatus[];
}
