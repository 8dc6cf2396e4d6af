// The scene of the tests of what else there are lamps for: a PBX `msk` with DND and forward codes, a queue, a parking
// lot, a conference room, a mailbox and a calendar, and a phone at each PBX with a lamp for all of them. Owns `msk`'s
// configuration and how one makes each thing happen.
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { until } from '../until.ts';
import type { BlfPhone, LampState } from './blf-phone.ts';
import type { Lab } from './lab.ts';
import { HASTY, MSK, type Pair, startPair, WATCHER } from './pair.ts';
import type { Root } from './provision.ts';
import type { Softphone } from './softphone.ts';
import type { Call } from './softphone-call.ts';

/** Extensions of every kind of character that one may have. */
export const NAMES = ['*76sales', 'sales.1', 'a*b.C', '+7495', '#31', 'Reception_2', '9*9*9'] as const;

/** It begins in so long, and lasts so long: calendars know whole seconds. */
const APPOINTMENT_MS = 3_000;

const FEATURES = ['*761001', '*741001', '5001', '701', '8001', '*971001', '6000'] as const;

/** The lamp of mailbox 1001. */
export const MAILBOX = 'vm1001';

/** What `*88` says of whoever dials it. Control characters come as blanks. */
export const AWAY = {
  subtype: 'обед, "lunch"',
  said: 'back at 2, or "later";\n\\o/ 昼食 100%',
  heard: 'back at 2, or "later"; \\o/ 昼食 100%',
};

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** FreePBX has its codes and hints like this. */
const DIALPLAN = `exten => *78,1,Answer()
 same => n,Set(PRESENCE_STATE(CustomPresence:\${CALLERID(num)})=dnd)
 same => n,Set(DEVICE_STATE(Custom:DND\${CALLERID(num)})=BUSY)
exten => *79,1,Answer()
 same => n,Set(PRESENCE_STATE(CustomPresence:\${CALLERID(num)})=available)
 same => n,Set(DEVICE_STATE(Custom:DND\${CALLERID(num)})=NOT_INUSE)
exten => *761001,hint,Custom:DND1001
exten => *88,1,Answer()
 same => n,Set(PRESENCE_STATE(CustomPresence:\${CALLERID(num)})=away,${base64(AWAY.subtype)},${base64(AWAY.said)},e)
exten => _*72XXXX,1,Answer()
 same => n,Set(DB(CF/\${CALLERID(num)})=\${EXTEN:3})
 same => n,Set(DEVICE_STATE(Custom:CF\${CALLERID(num)})=INUSE)
exten => *73,1,Answer()
 same => n,Set(DEVICE_STATE(Custom:CF\${CALLERID(num)})=NOT_INUSE)
exten => *741001,hint,Custom:CF1001
exten => 5000,1,Answer()
 same => n,Queue(support)
exten => 5001,hint,Queue:support
exten => 700,1,Answer()
 same => n,Park(default,s)
exten => 701,1,ParkedCall(default,701)
exten => 701,hint,park:701@parkedcalls
exten => 8001,1,Answer()
 same => n,ConfBridge(8001)
exten => 8001,hint,confbridge:8001
exten => 9001,1,Answer()
 same => n,VoiceMail(1001@default,s)
exten => 9002,1,Answer()
 same => n,VoiceMailMain(1001@default,s)
exten => speak,1,Answer()
 same => n,Playtones(440)
 same => n,Wait(1)
exten => listen,1,Answer()
 same => n,Wait(1)
 same => n,SendDTMF(1ww1)
 same => n,Wait(2)
exten => *971001,hint,MWI:1001@default
exten => 6000,hint,Calendar:duty
${NAMES.map((name, i) => `exten => ${name},hint,Custom:name${i}\n`).join('')}`;

/** The shipped dialplan has lines for numbers; other names need their own. */
const LAMPS = [...NAMES, MAILBOX].map((name) => `exten => ${name}*${MSK},hint,Custom:\${EXTEN}\n`).join('');

const MODULES = [
  ...['app_queue', 'res_musiconhold', 'bridge_holding', 'res_parking', 'app_confbridge', 'app_voicemail'],
  ...[
    'app_playtones',
    'app_senddtmf',
    'format_wav',
    'format_gsm',
    'codec_gsm',
    'res_mwi_devstate',
    'res_calendar',
    'res_calendar_icalendar',
  ],
];

export class Features {
  readonly pair: Pair;
  readonly #calendar: Calendar;
  readonly #phones: Readonly<Record<string, Softphone>>;
  readonly #own: BlfPhone;
  readonly #other: BlfPhone;

  private constructor(
    pair: Pair,
    calendar: Calendar,
    phones: readonly Softphone[],
    blf: [BlfPhone, BlfPhone],
  ) {
    this.pair = pair;
    this.#calendar = calendar;
    this.#phones = Object.fromEntries(phones.map((phone) => [phone.user, phone]));
    [this.#own, this.#other] = blf;
  }

  static async open(lab: Lab, roots: { msk: Root; spb: Root }): Promise<Features> {
    const calendar = new Calendar();
    lab.keep(calendar);
    const pair = await startPair(lab, {
      ...roots,
      dialplan: DIALPLAN,
      spbDialplan: LAMPS,
      mskExtras: { modules: MODULES, files: files(await calendar.open()) },
      broker: { timing: HASTY },
      mskBroker: {
        exports: [
          { context: 'phones', match: ['_XXXX', '_7XX', '_*XXXXXX', ...NAMES] },
          { mailbox: 'default', match: '_1XXX' },
          { presence: 'CustomPresence:{ext}', match: '_1XXX' },
        ],
      },
    });
    const phones = [await lab.softphone(pair.msk, '1001'), await lab.softphone(pair.msk, '1002')];
    const [own, other] = [await lab.blf(pair.msk, WATCHER), await lab.blf(pair.spb, WATCHER)];
    for (const name of [...FEATURES, ...NAMES]) {
      await own.subscribe(name);
      await other.subscribe(`${name}*${MSK}`);
    }
    await other.subscribe(`${MAILBOX}*${MSK}`);
    return new Features(pair, calendar, phones, [own, other]);
  }

  /** Waits until the phone of this PBX and the phone of the other one show the same; `own`: that of this one only. */
  async show(extension: string, state: LampState, which?: 'own'): Promise<void> {
    await this.#own.shows(extension, state);
    if (which === undefined) await this.#other.shows(`${extension}*${MSK}`, state);
  }

  /** Waits until the phone of the other PBX shows this of the mailbox. */
  showMailbox(state: LampState): Promise<void> {
    return this.#other.shows(`${MAILBOX}*${MSK}`, state);
  }

  /** Waits until the other PBX has this presence of 1001: word, subtype, message. */
  async showPresence(...wanted: readonly [string, string, string]): Promise<void> {
    const ami = await this.pair.spb.ami();
    let seen: string[] = [];
    const read = async (part: string): Promise<string> => {
      const Variable = `PRESENCE_STATE(CustomPresence:1001*${MSK},${part})`;
      return (await ami.action({ Action: 'Getvar', Variable }))['value'] ?? '';
    };
    const text = async (part: string) => Buffer.from(await read(`${part},e`), 'base64').toString();
    await until(
      () => `the presence of 1001 is ${wanted.join(' ')}; it is ${seen.join(' ')}`,
      async () => {
        seen = [await read('value'), await text('subtype'), await text('message')];
        return seen.every((part, i) => part === wanted[i]);
      },
    );
    await ami.close();
  }

  /** A call that is answered. */
  async talk(phone: string, to: string): Promise<Call> {
    const call = this.#phones[phone]?.call(to);
    if (call === undefined) throw new Error(`there is no phone ${phone}`);
    await call.is('talking');
    return call;
  }

  /** A code: the PBX hangs up. */
  async dial(phone: string, code: string): Promise<void> {
    const call = await this.talk(phone, code);
    await call.is('ended');
  }

  /** Somebody calls the mailbox, speaks after the tone and hangs up. */
  leaveMessage(): Promise<void> {
    return this.#far('speak', '9001');
  }

  /** Somebody calls the mailbox, listens to the first message and hangs up. */
  hearMessages(): Promise<void> {
    return this.#far('listen', '9002');
  }

  /** A caller with a voice and keys, which the phones of these tests have not. */
  async #far(does: string, to: string): Promise<void> {
    const { msk } = this.pair;
    const ami = await msk.ami();
    const caller = { Context: msk.context, Exten: does, Priority: '1' };
    const answer = await ami.action({
      Action: 'Originate',
      Channel: `Local/${to}@${msk.context}`,
      ...caller,
    });
    if (answer['response'] !== 'Success') throw new Error(`${to} takes no call: ${answer['message']}`);
    await ami.close();
  }

  /** The calendar has an appointment that goes on for a few seconds. */
  async appointment(): Promise<void> {
    const { msk } = this.pair;
    // By itself it would look once a minute.
    await msk.cli('module unload res_calendar_icalendar.so');
    const start = Date.now() + APPOINTMENT_MS;
    this.#calendar.busy(new Date(start), new Date(start + APPOINTMENT_MS));
    await msk.cli('module load res_calendar_icalendar.so');
  }
}

/** What a calendar server is to Asterisk: one file. */
class Calendar {
  readonly #server: Server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/calendar');
    response.end(this.#text);
  });
  #text = calendar('');

  /** Its URL. */
  async open(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/duty.ics`;
  }

  busy(start: Date, end: Date): void {
    const time = (date: Date): string => date.toISOString().replace(/[-:]|\.\d+/g, '');
    const lines = [
      'BEGIN:VEVENT',
      'UID:1',
      `DTSTART:${time(start)}`,
      `DTEND:${time(end)}`,
      'SUMMARY:duty',
      'END:VEVENT',
    ];
    this.#text = calendar(`${lines.join('\r\n')}\r\n`);
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

function calendar(events: string): string {
  return `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n${events}END:VCALENDAR\r\n`;
}

function files(calendarUrl: string): Record<string, string> {
  return {
    'queues.conf': '[general]\n[support]\nstrategy = ringall\njoinempty = yes\n',
    'musiconhold.conf': '[general]\n',
    'res_parking.conf': '[general]\n[default]\nparkext => 700\nparkpos => 701-702\ncontext => parkedcalls\n',
    'confbridge.conf':
      '[general]\n[default_bridge]\ntype = bridge\n[default_user]\ntype = user\nquiet = yes\n',
    'voicemail.conf': '[general]\nformat = wav\nenvelope = no\n[default]\n1001 => 1234,Ann\n',
    'calendar.conf': `[duty]\ntype = ical\nurl = ${calendarUrl}\nrefresh = 1\ntimeframe = 60\n`,
  };
}
