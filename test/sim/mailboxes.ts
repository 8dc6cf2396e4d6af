/**
 * The mailboxes of the simulated Asterisk's app_voicemail, and how many messages each has. Raises nothing itself.
 */

export interface Messages {
  readonly fresh: number;
  readonly old: number;
}

export interface MailboxOptions extends Partial<Messages> {
  readonly fullname?: string;
  readonly email?: string;
}

export interface Mailbox extends Messages {
  /** `1001@default`. */
  readonly name: string;
  readonly fullname: string;
  /** Absent: Asterisk prints what C prints for nothing. */
  readonly email?: string;
}

export class Mailboxes {
  readonly #all = new Map<string, Mailbox>();

  constructor(boxes: Readonly<Record<string, MailboxOptions>>) {
    for (const [name, { fullname = '', fresh = 0, old = 0, email }] of Object.entries(boxes)) {
      this.#all.set(name, { name, fullname, fresh, old, ...(email === undefined ? {} : { email }) });
    }
  }

  all(): Mailbox[] {
    return [...this.#all.values()];
  }

  /** A name without a context is in `default`. */
  get(name: string): Mailbox | undefined {
    return this.#all.get(name.includes('@') ? name : `${name}@default`);
  }

  change(name: string, how: (messages: Messages) => Messages): Mailbox {
    const box = this.get(name);
    if (!box) throw new Error(`the simulated Asterisk has no mailbox ${name}`);
    const changed = { ...box, ...how(box) };
    this.#all.set(box.name, changed);
    return changed;
  }
}
