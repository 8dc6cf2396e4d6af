/**
 * The one door of the core: inputs (with the time they happened) in, effects out.
 */
import type { Entry, Message } from './message.ts';
import type { DeviceStatus, HintStatus, Listing } from './source.ts';
import type { WritableState } from './state.ts';

/** Everything that can happen to a broker. Times are milliseconds of one monotonic clock. */
export type Input =
  /** A new AMI session is booted and everything in it was read. */
  | { readonly type: 'asteriskUp'; readonly listing: Listing }
  /** The same session, read again. */
  | { readonly type: 'asteriskRelisted'; readonly listing: Listing }
  | { readonly type: 'asteriskDown' }
  /** The local Asterisk answered a Ping. */
  | { readonly type: 'asteriskAnswered' }
  | { readonly type: 'hintChanged'; readonly status: HintStatus }
  | { readonly type: 'deviceChanged'; readonly status: DeviceStatus }
  /** The response to the `setLamp` effect with this id. */
  | { readonly type: 'writeDone'; readonly id: number; readonly ok: boolean }
  /** An authenticated link said hello; `link` is unique in this broker's life. At most one link a peer. */
  | { readonly type: 'linkUp'; readonly peer: string; readonly link: number; readonly epoch: string }
  | {
      readonly type: 'heard';
      readonly peer: string;
      readonly link: number;
      readonly seq: number;
      readonly message: Message;
    }
  | { readonly type: 'linkDown'; readonly peer: string; readonly link: number }
  | { readonly type: 'tick' };

/** What the broker must do, in this order. */
export type Effect =
  /** To every link that was given a snapshot of this view. */
  | { readonly type: 'publish'; readonly view: string; readonly entries: readonly Entry[] }
  /** To every link: this origin is alive. */
  | { readonly type: 'alive' }
  /** To one link: the whole view; from now on its `publish` goes there too. */
  | {
      readonly type: 'snapshot';
      readonly link: number;
      readonly view: string;
      readonly entries: readonly Entry[];
    }
  /** Setvar DEVICE_STATE(Custom:`lamp`)=`state`; answer with `writeDone`. */
  | { readonly type: 'setLamp'; readonly id: number; readonly lamp: string; readonly state: WritableState }
  | { readonly type: 'dropLink'; readonly link: number; readonly why: string }
  /** Read everything again, soon (the edge debounces). */
  | { readonly type: 'relist' }
  | { readonly type: 'note'; readonly note: Note };

export type Note = { readonly kind: string };
