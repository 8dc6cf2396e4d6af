/**
 * app_voicemail of the simulated Asterisk: what happens to its mailboxes, and what of that it tells (main/manager_mwi.c,
 * res/res_mwi_devstate.c).
 */
import type { DeviceState } from '../../src/core/state.ts';
import type { Channels } from './channels.ts';
import { type Mailbox, Mailboxes, type MailboxOptions, type Messages } from './mailboxes.ts';
import type { Fields, PbxEvent } from './message.ts';
import type { Shape } from './shape.ts';

/** How it is heard. */
export interface VoicemailEars {
  event(event: PbxEvent): void;
  device(device: string, state: DeviceState): void;
}

export class Voicemail {
  readonly #shape: Shape;
  readonly #channels: Channels;
  readonly #ears: VoicemailEars;
  /** Absent: the module is not loaded. */
  readonly #boxes: Mailboxes | undefined;

  constructor(
    shape: Shape,
    channels: Channels,
    ears: VoicemailEars,
    boxes: Readonly<Record<string, MailboxOptions>> | undefined,
  ) {
    this.#shape = shape;
    this.#channels = channels;
    this.#ears = ears;
    this.#boxes = boxes && new Mailboxes(boxes);
  }

  get isLoaded(): boolean {
    return this.#boxes !== undefined;
  }

  all(): Mailbox[] {
    return this.#boxes?.all() ?? [];
  }

  get(mailbox: string): Mailbox | undefined {
    return this.#boxes?.get(mailbox);
  }

  /** What is on the disk. Nobody is told until it looks: `tell`. */
  set(mailbox: string, messages: Messages): void {
    this.#change(mailbox, () => messages);
  }

  /** A caller leaves a message: the event tells of his channel. */
  leave(mailbox: string): void {
    const box = this.#change(mailbox, ({ fresh, old }) => ({ fresh: fresh + 1, old }));
    this.#tell(box, counts(box), extensionOf(box));
  }

  /** Somebody calls his mailbox, and has heard what is new; or has `only` looked. */
  listen(mailbox: string, only?: 'look'): void {
    const heard = ({ fresh, old }: Messages) => ({ fresh: 0, old: old + fresh });
    const box = this.#change(mailbox, only ? (messages) => messages : heard);
    // Up to 11 this says Waiting only (apps/app_voicemail.c, `vm_execmain`).
    this.#tell(box, this.#shape.since13 ? counts(box) : [], `main${extensionOf(box)}`);
  }

  tell(mailbox: string): void {
    const box = this.#change(mailbox, (messages) => messages);
    this.#tell(box, counts(box));
  }

  /** Loaded again, it tells each mailbox; before 13 it tells no AMI. */
  reload(): void {
    if (!this.#shape.since13) return;
    for (const { name } of this.all()) this.tell(name);
  }

  /**
   * At a boot it comes after the hints: up to here a mailbox has no device. It tells what it has before it can be asked,
   * so `Waiting` is 0 (main/manager_mwi.c asks it).
   */
  load(ears: VoicemailEars): void {
    for (const { name, fresh, old } of this.all()) {
      const fields: Fields = [['Mailbox', name], ['Waiting', '0'], ...counts({ fresh, old })];
      if (this.#shape.since13) ears.event({ name: 'MessageWaiting', class: 'call', fields });
      if (this.#shape.mailboxDevices) ears.device(`MWI:${name}`, inUse(fresh));
    }
  }

  /** `mwi_update_cb` (main/manager_mwi.c); `through`: by a call to this extension. */
  #tell({ name, fresh }: Mailbox, told: Fields, through?: string): void {
    const caller =
      through !== undefined && this.#shape.since13
        ? this.#channels.snapshot(this.#channels.passing(`Local/${through}@leave`, through))
        : [];
    const waiting = ['Waiting', fresh > 0 ? '1' : '0'] as const;
    const fields: Fields = [...caller, ['Mailbox', name], waiting, ...told];
    this.#ears.event({ name: 'MessageWaiting', class: 'call', fields });
    if (this.#shape.mailboxDevices) this.#ears.device(`MWI:${name}`, inUse(fresh));
  }

  #change(mailbox: string, how: (messages: Messages) => Messages): Mailbox {
    if (!this.#boxes) throw new Error('the simulated Asterisk has no mailboxes');
    return this.#boxes.change(mailbox, how);
  }
}

const extensionOf = ({ name }: Mailbox): string => name.split('@')[0] ?? '';
const counts = ({ fresh, old }: Messages): Fields => [
  ['New', String(fresh)],
  ['Old', String(old)],
];
const inUse = (fresh: number): DeviceState => (fresh > 0 ? 'INUSE' : 'NOT_INUSE');
