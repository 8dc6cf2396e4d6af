// What goes on at a PBX while things break: devices that change, and calls. Owns that both go on again by themselves
// when the PBX was gone, and that both stand still when told.
import type { Random } from '../sim/federation/random.ts';
import { pause } from '../until.ts';
import type { TestAmi } from './ami.ts';
import type { Asterisk } from './asterisk.ts';
import { Softphone } from './softphone.ts';

/** From one change of a device of one PBX to the next: 15 a second. */
const CHANGE_EVERY_MS = 67;
/** Until a PBX that is not there is tried again. */
const RETRY_MS = 100;
/** Ringing, talking and nothing last up to this. */
const CALL_PART_MS = 400;
/** As a phone would have it; never UNAVAILABLE, which is how the lamps of a PBX that is gone show. */
const STATES = [
  [4, 'NOT_INUSE'],
  [2, 'INUSE'],
  [2, 'RINGING'],
  [1, 'BUSY'],
  [1, 'ONHOLD'],
  [1, 'RINGINUSE'],
] as const;
/** What no other change touches: shows that a change made after the fault arrives. */
const MARK = 'NOT_INUSE';

/** Something that goes on until `close()`, but for the time between `hold()` and `go()`. */
abstract class Load {
  #held = true;
  protected closed = false;

  go(): void {
    this.#held = false;
  }

  hold(): void {
    this.#held = true;
  }

  /** Waits while it is held; false: it is over. */
  protected async may(): Promise<boolean> {
    while (this.#held && !this.closed) await pause(RETRY_MS / 10);
    return !this.closed;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

/** Changes of Custom devices. */
export class Changes extends Load {
  made = 0;
  #pbx: Asterisk;
  #devices: readonly string[];
  #mark: string;
  #random: Random;
  #ami: TestAmi | undefined;
  #busy: Promise<void> = Promise.resolve();
  #marked = MARK as string;

  /** The last of `devices` is for `mark()` alone. */
  constructor(pbx: Asterisk, devices: readonly string[], random: Random) {
    super();
    this.#pbx = pbx;
    this.#devices = devices.slice(0, -1);
    this.#mark = devices.at(-1) as string;
    this.#random = random;
  }

  /** Gives every device its first state; then they change. */
  async begin(): Promise<void> {
    const ami = await this.#session();
    for (const device of this.#devices) await ami.setCustom(device, this.#random.weighted(STATES));
    await ami.setCustom(this.#mark, MARK);
    this.#busy = this.#run();
  }

  async #session(): Promise<TestAmi> {
    if (this.#ami && !this.#ami.closed) return this.#ami;
    this.#ami = await this.#pbx.ami();
    // Before that it takes a change for one of a function that it does not have.
    await this.#ami.event('FullyBooted');
    await this.#ami.action({ Action: 'Events', EventMask: 'off' });
    return this.#ami;
  }

  async #run(): Promise<void> {
    while (await this.may()) {
      try {
        const ami = await this.#session();
        await ami.setCustom(this.#random.pick(this.#devices), this.#random.weighted(STATES));
        this.made += 1;
        await pause(CHANGE_EVERY_MS);
      } catch {
        // The PBX is gone for now: that is what this is about.
        await this.#ami?.close();
        await pause(RETRY_MS);
      }
    }
  }

  /** One more change, of a device that nothing else changes; it is in force when this returns. */
  async mark(): Promise<void> {
    this.#marked = this.#marked === MARK ? 'INUSE' : MARK;
    await (await this.#session()).setCustom(this.#mark, this.#marked);
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#ami?.close();
    await this.#busy;
  }
}

/** Calls between two real phones, one after another. */
export class Calls extends Load {
  made = 0;
  #pbx: Asterisk;
  #from: string;
  #to: string;
  #random: Random;
  /** Counts up when the PBX has lost its calls: what was under way is left behind. */
  #life = 0;
  #phones: Softphone[] = [];

  constructor(pbx: Asterisk, from: string, to: string, random: Random) {
    super();
    this.#pbx = pbx;
    this.#from = from;
    this.#to = to;
    this.#random = random;
  }

  async begin(): Promise<void> {
    const [caller, callee] = await this.#register();
    void this.#run(this.#life, caller, callee);
  }

  async #register(): Promise<readonly [Softphone, Softphone]> {
    const phones = [new Softphone(this.#pbx, this.#from), new Softphone(this.#pbx, this.#to)] as const;
    this.#phones.push(...phones);
    for (const phone of phones) await phone.open();
    return phones;
  }

  /** The PBX was started again and knows of no call: the phones register anew. */
  restart(): void {
    this.#life += 1;
    void this.#again(this.#life);
  }

  async #again(life: number): Promise<void> {
    await this.#hangUp();
    while (life === this.#life && !this.closed) {
      try {
        const [caller, callee] = await this.#register();
        return void this.#run(life, caller, callee);
      } catch {
        await this.#hangUp();
        await pause(RETRY_MS);
      }
    }
  }

  async #run(life: number, caller: Softphone, callee: Softphone): Promise<void> {
    const goOn = async (): Promise<boolean> => {
      await pause(this.#random.between(CALL_PART_MS / 8, CALL_PART_MS));
      return (await this.may()) && life === this.#life;
    };
    try {
      while (await goOn()) {
        const call = caller.call(this.#to);
        const taken = await callee.ringing();
        if (!(await goOn())) return;
        taken.answer();
        await call.is('talking');
        if (!(await goOn())) return;
        await call.hangUp();
        await taken.is('ended');
        this.made += 1;
      }
    } catch {
      if (life === this.#life && !this.closed) this.restart();
    }
  }

  /** What is left of calls, at the PBX and here. */
  async #hangUp(): Promise<void> {
    for (const phone of this.#phones.splice(0)) await phone.close().catch(() => {});
    const ami = await this.#pbx.ami().catch(() => undefined);
    await ami?.command('channel request hangup all').catch(() => {});
    await ami?.close();
  }

  override async close(): Promise<void> {
    await super.close();
    for (const phone of this.#phones.splice(0)) await phone.close().catch(() => {});
  }
}
