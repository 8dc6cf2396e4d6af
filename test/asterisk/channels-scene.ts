// The scene of the tests of channels as a source: four phones at `msk`, whose channels alone its broker reads, and
// their lamps at `spb`. Owns how one says what the lamps show, what they went through, and what Asterisk itself
// thinks of the phones.
import assert from 'node:assert/strict';
import { until } from '../until.ts';
import type { Packet, TestAmi } from './ami.ts';
import type { BlfPhone } from './blf-phone.ts';
import type { Lab } from './lab.ts';
import { CONVERGES_MS, MSK, type Pair, startPair, WATCHER } from './pair.ts';
import type { Root } from './provision.ts';
import type { Softphone } from './softphone.ts';

export const PHONES = ['1001', '1002', '1003', '1004'] as const;
export type Phone = (typeof PHONES)[number];
/** Phones that are not named are free. */
export type States = Partial<Record<Phone, string>>;
export type Histories = Partial<Record<Phone, readonly string[]>>;

const FREE = 'NOT_INUSE';

/** `600` takes every call and waits; `*81003` picks up what rings at 1003, whoever is called. */
const DIALPLAN = `exten => 600,1,Answer()
 same => n,Wait(60)
exten => _*8XXXX,1,PickupChan(PJSIP/\${EXTEN:2})
`;

function everyPhone(states: States): Record<Phone, string> {
  const pairs = PHONES.map((phone) => [phone, states[phone] ?? FREE] as const);
  return Object.fromEntries(pairs) as Record<Phone, string>;
}

const lampOf = (phone: Phone): string => `Custom:${phone}*${MSK}`;

export class Scene {
  readonly pair: Pair;
  readonly phones: Readonly<Record<Phone, Softphone>>;
  /** A phone at `spb` with a lamp for each of `PHONES`. */
  readonly blf: BlfPhone;
  /** At the PBX of the phones. */
  #here: TestAmi;
  readonly #there: TestAmi;
  /** What lamps showed when histories began. */
  #before: Readonly<Record<Phone, string>> = everyPhone({});

  private constructor(
    pair: Pair,
    phones: Readonly<Record<Phone, Softphone>>,
    blf: BlfPhone,
    amis: { here: TestAmi; there: TestAmi },
  ) {
    this.pair = pair;
    this.phones = phones;
    this.blf = blf;
    this.#here = amis.here;
    this.#there = amis.there;
  }

  /** Everything running, every lamp known to be free. */
  static async open(lab: Lab, roots: { msk: Root; spb: Root }): Promise<Scene> {
    const pair = await startPair(lab, {
      ...roots,
      phones: ['1003', '1004'],
      dialplan: DIALPLAN,
      channels: true,
      // Every state of a lamp is to be seen: none may be overtaken while it waits for its turn.
      broker: { lamps: { writes_per_second: 1_000, burst: 100 } },
      mskBroker: {
        exports: [{ channels: 'PJSIP/{ext}', match: [`${PHONES[0]}-${PHONES[3]}`] }],
        logLevel: 'debug', // for `reread()`
      },
    });
    const opened = PHONES.map(async (phone) => [phone, await lab.softphone(pair.msk, phone)] as const);
    const phones = Object.fromEntries(await Promise.all(opened)) as Record<Phone, Softphone>;
    const blf = await lab.blf(pair.spb, WATCHER);
    for (const phone of PHONES) await blf.subscribe(`${phone}*${MSK}`);
    const scene = new Scene(pair, phones, blf, {
      here: await pair.msk.ami(),
      there: await (await pair.spb.ami()).fromNow(),
    });
    await scene.show({});
    scene.forget();
    return scene;
  }

  /** Waits until the lamps show `states`. */
  async lampsShow(states: States): Promise<void> {
    const wanted = everyPhone(states);
    let seen = wanted;
    await until(
      () => `lamps show ${JSON.stringify(wanted)}; they show ${JSON.stringify(seen)}`,
      async () => {
        seen = await this.#all(this.#there, lampOf);
        // The event of a change may come after the answer to a question asked later.
        const told = this.#told();
        return PHONES.every((phone) => seen[phone] === wanted[phone] && told[phone] === wanted[phone]);
      },
      CONVERGES_MS,
    );
  }

  /** Waits until the lamps show `states`, and until Asterisk thinks the same of the phones, but for `but`. */
  async show(states: States, but: States = {}): Promise<void> {
    await this.lampsShow(states);
    const wanted = everyPhone({ ...states, ...but });
    let seen = wanted;
    await until(
      () => `Asterisk thinks ${JSON.stringify(wanted)}; it thinks ${JSON.stringify(seen)}`,
      async () => {
        seen = await this.#all(this.#here, (phone) => `PJSIP/${phone}`);
        return PHONES.every((phone) => seen[phone] === wanted[phone]);
      },
    );
  }

  async #all(ami: TestAmi, device: (phone: Phone) => string): Promise<Record<Phone, string>> {
    const states = await Promise.all(PHONES.map((phone) => ami.deviceState(device(phone))));
    return everyPhone(Object.fromEntries(PHONES.map((phone, i) => [phone, states[i] ?? ''])));
  }

  /** Every state that lamps were given since `forget()`, in order; lamps that are not named were given none. */
  went(histories: Histories, seen = this.histories()): void {
    const wanted = Object.fromEntries(PHONES.map((phone) => [phone, histories[phone] ?? []]));
    assert.deepEqual(seen, wanted);
  }

  histories(): Record<Phone, string[]> {
    const pairs = PHONES.map((phone) => [phone, this.#there.changesOf(lampOf(phone))] as const);
    return Object.fromEntries(pairs) as Record<Phone, string[]>;
  }

  /** The last state of each history. */
  #told(): Record<Phone, string> {
    const histories = this.histories();
    const pairs = PHONES.map((phone) => [phone, histories[phone].at(-1) ?? this.#before[phone]] as const);
    return Object.fromEntries(pairs) as Record<Phone, string>;
  }

  /** Histories begin anew. */
  forget(): void {
    this.#before = this.#told();
    this.#there.clear();
  }

  /** The channels of `phone` at `msk`. */
  async #channels(phone: Phone): Promise<Packet[]> {
    const rows = await this.#here.list('CoreShowChannels');
    return rows.filter((row) => row['channel']?.startsWith(`PJSIP/${phone}-`));
  }

  /** Waits until the two hear each other, which is a moment after the answer: before that nothing can be transferred. */
  async connected(one: Phone, other: Phone): Promise<void> {
    await until(`${one} and ${other} are in one bridge`, async () => {
      const [here, there] = [await this.#channels(one), await this.#channels(other)];
      return here.some(({ bridgeid }) => bridgeid && there.some((row) => row['bridgeid'] === bridgeid));
    });
  }

  /** AMI takes the only channel of `phone` out of its call, to `extension`. */
  async redirect(phone: Phone, extension: string): Promise<void> {
    const [row, ...more] = await this.#channels(phone);
    assert.deepEqual(more, []);
    const channel = row?.['channel'] ?? '';
    const to = { Context: this.pair.msk.context, Exten: extension, Priority: '1' };
    const answer = await this.#here.action({ Action: 'Redirect', Channel: channel, ...to });
    assert.equal(answer['response'], 'Success', answer['message']);
  }

  /** Has the broker read everything again, and waits until it has. */
  async reread(): Promise<void> {
    const { msk, mskBroker } = this.pair;
    const after = mskBroker.log().length;
    await msk.cli('dialplan reload');
    await mskBroker.logs('that it read again', ({ event }) => event === 'asterisk-relisted', { after });
  }

  /** The PBX of the phones dies, with every call, and comes back. */
  async crash(): Promise<void> {
    const { msk } = this.pair;
    await msk.saved(); // the registrations
    await msk.kill();
    for (const phone of PHONES) this.phones[phone].forgetCalls();
    await msk.start();
    this.#here = await msk.ami();
  }

  /** Ends every call and forgets what the lamps went through. */
  async reset(): Promise<void> {
    if (!this.pair.mskBroker.running) await this.pair.mskBroker.start();
    for (const phone of PHONES) await this.phones[phone].hangUpAll();
    await this.show({});
    this.forget();
  }
}
