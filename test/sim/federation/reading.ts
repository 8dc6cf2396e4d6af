/**
 * One reading of everything that Asterisk has, as src/ami/lists.ts does it: the lists at one go, then the extensions
 * that no list shows, one by one. What events tell meanwhile is merged by whoever has the session.
 */
import { askedStatus, channelStatus, deviceStatus, hintStatus } from '../../../src/ami/events.ts';
import { Merge } from '../../../src/ami/merge.ts';
import type { Message } from '../../../src/ami/message.ts';
import type { HintKey, HintStatus } from '../../../src/core/source.ts';
import type { AmiRequest } from './ami-session.ts';

type Ask = (request: AmiRequest, answer: (rows: readonly Message[]) => void) => void;

export class Reading {
  readonly merge = new Merge();
  readonly #channels: boolean;
  readonly #ask: Ask;
  readonly #toAsk: (listed: readonly HintStatus[]) => readonly HintKey[];
  readonly #done: (asked: readonly HintKey[]) => void;

  constructor(
    channels: boolean,
    ask: Ask,
    toAsk: (listed: readonly HintStatus[]) => readonly HintKey[],
    done: (asked: readonly HintKey[]) => void,
  ) {
    this.#channels = channels;
    this.#ask = ask;
    this.#toAsk = toAsk;
    this.#done = done;
  }

  begin(): void {
    const { merge } = this;
    let lists = this.#channels ? 3 : 2;
    const list = (type: 'hints' | 'devices' | 'channels', row: (message: Message) => void): void =>
      this.#ask({ type }, (rows) => {
        for (const message of rows) row(message);
        lists -= 1;
        if (lists === 0) this.#askNext([...this.#toAsk(merge.hints())], []);
      });
    list('hints', (message) => {
      const status = hintStatus(message);
      if (status) merge.hint(status);
    });
    list('devices', (message) => {
      const status = deviceStatus(message);
      if (status) merge.device(status);
    });
    if (!this.#channels) return;
    list('channels', (message) => {
      const status = channelStatus(message);
      if (status) merge.channel({ type: 'state', ...status });
    });
  }

  #askNext(keys: HintKey[], asked: HintKey[]): void {
    const key = keys.shift();
    if (key === undefined) return this.#done(asked);
    this.#ask({ type: 'ask', ...key }, ([row]) => {
      const status = row && askedStatus(key, row);
      if (status) this.merge.hint(status);
      asked.push(key);
      this.#askNext(keys, asked);
    });
  }
}
