/**
 * One Asterisk in time: the recorded model of test/sim/pbx.ts on the clock of the run, its AMI sessions, and what may
 * go wrong with it. Each session is one thread as in the real one: an answer, then the events that waited, in order.
 */
import type { Message } from '../../../src/ami/message.ts';
import type { DeviceState } from '../../../src/core/state.ts';
import type { Call } from '../calls.ts';
import type { Fields } from '../message.ts';
import { Pbx, type PbxEvent } from '../pbx.ts';
import type { Agenda } from './agenda.ts';
import { type AmiPacket, type AmiRequest, AmiSession } from './ami-session.ts';
import type { AsteriskPlan, CallAct } from './history.ts';

export interface AsteriskHandlers {
  /** A lamp now is so; `ours`: by a write that the broker still waits for. */
  lampSet(lamp: string, ours: boolean): void;
  count(what: string): void;
}

const LAMPS = 'blf';

export class Asterisk {
  readonly pbx: Pbx;
  readonly #agenda: Agenda;
  readonly #plan: AsteriskPlan;
  readonly #handlers: AsteriskHandlers;
  readonly #sessions = new Set<AmiSession>();
  readonly #everSessions: AmiSession[] = [];
  readonly #calls = new Map<number, Call>();
  /** Done when it is no longer muted. */
  #deferred: (() => void)[] = [];
  #refusals: { readonly lamp: string | null; readonly until: number; times: number }[] = [];
  answerMs: number;
  workMs: number;
  isRunning = false;
  isBooted = false;
  isMuted = false;
  #boots = 0;
  #working = false;

  constructor(agenda: Agenda, plan: AsteriskPlan, handlers: AsteriskHandlers) {
    this.#agenda = agenda;
    this.#plan = plan;
    this.#handlers = handlers;
    this.answerMs = plan.answerMs;
    this.workMs = plan.workMs;
    const { seed, hints, devices, renames } = plan;
    this.pbx = new Pbx({ seed, hints, devices, renames, context: 'local' });
    this.pbx.onEvent = (event) => this.#tell(event);
    this.pbx.onWork = () => this.#work();
    for (const [lamp, state] of Object.entries(plan.lamps)) this.pbx.astdb.set(lamp, state);
  }

  get amiMs(): number {
    return this.#plan.amiMs;
  }

  /** It has done what it was asked for. */
  get isIdle(): boolean {
    return this.#everSessions.every((session) => session.isIdle);
  }

  start(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    const boot = ++this.#boots;
    this.#agenda.after(this.#plan.bootMs, () => {
      if (this.#boots !== boot || !this.isRunning) return;
      this.pbx.loadModules();
      this.pbx.dialplanReload();
      this.isBooted = true;
      for (const session of this.#sessions) session.booted();
      this.pbx.resubscribe();
    });
  }

  /** kill -9; `silent`: with the machine, so that nobody is told. */
  kill(silent = false): void {
    this.unmute();
    this.isRunning = false;
    this.isBooted = false;
    this.pbx.forget();
    this.#calls.clear();
    for (const session of [...this.#sessions]) session.kill(!silent);
    this.#sessions.clear();
  }

  /** SIGSTOP. */
  mute(): void {
    if (!this.isRunning) return;
    this.isMuted = true;
    this.pbx.frozen = true;
  }

  unmute(): void {
    if (!this.isMuted) return;
    this.isMuted = false;
    this.pbx.frozen = false;
    for (const work of this.#deferred.splice(0)) work();
    this.#work();
  }

  /** As soon as it is not muted. */
  whenAwake(work: () => void): void {
    if (this.isMuted) this.#deferred.push(work);
    else work();
  }

  connect(receive: (packet: AmiPacket) => void): AmiSession | undefined {
    if (!this.isRunning) return undefined;
    const session = new AmiSession(this.#agenda, this, receive);
    this.#sessions.add(session);
    this.#everSessions.push(session);
    return session;
  }

  forget(session: AmiSession): void {
    this.#sessions.delete(session);
  }

  // ---- what people do

  startCall(id: number, from: string, to: string): void {
    this.whenAwake(() => {
      if (this.isBooted) this.#calls.set(id, this.pbx.call(from, to));
    });
  }

  act(id: number, act: CallAct, by = '1'): void {
    this.whenAwake(() => {
      const call = this.#calls.get(id);
      if (act === 'pickUp') call?.pickUp(by);
      else call?.[act]();
    });
  }

  reload(event: boolean): void {
    this.whenAwake(() => {
      if (!this.isBooted) return;
      this.pbx.settle();
      this.pbx.dialplanReload();
      if (event) this.#tell({ name: 'Reload', class: 'system', fields: [['Module', 'pbx_config.so']] });
    });
  }

  watch(lamp: string): void {
    this.whenAwake(() => {
      if (this.isBooted) this.pbx.subscribe(lamp, LAMPS);
    });
  }

  /** Somebody else writes a lamp. */
  meddle(lamp: string, state: DeviceState): void {
    this.whenAwake(() => {
      if (!this.isBooted) return;
      this.pbx.writeCustom(`Custom:${lamp}`, state);
      this.#handlers.lampSet(lamp, false);
    });
  }

  refuse(lamp: string | null, forMs: number, times = Number.POSITIVE_INFINITY): void {
    this.#refusals.push({ lamp, until: this.#agenda.now + forMs, times });
  }

  refuseNothing(): void {
    this.#refusals = [];
  }

  // ---- what an AMI session asks for

  perform(request: AmiRequest): { ok: boolean; rows: Message[] } {
    const ok = true;
    switch (request.type) {
      case 'hints':
        return { ok, rows: this.pbx.hintRows().map(hintRow) };
      case 'devices':
        return { ok, rows: [...this.pbx.devices()].map(([device, state]) => ({ device, state, ...ROW })) };
      case 'channels':
        return { ok, rows: this.pbx.channelRows().map((fields) => messageOf(fields, ROW)) };
      case 'ask':
        return { ok, rows: [hintRow(this.pbx.askHint(request.extension, request.context))] };
      case 'set':
        return { ok: this.#set(request.lamp, request.state, request.isAwaited()), rows: [] };
      default:
        return { ok, rows: [] };
    }
  }

  #set(lamp: string, state: DeviceState, isAwaited: boolean): boolean {
    const { now } = this.#agenda;
    this.#refusals = this.#refusals.filter(({ until, times }) => until > now && times > 0);
    const refusal = this.#refusals.find((one) => one.lamp === null || one.lamp === lamp);
    if (!this.isBooted || refusal) {
      if (refusal) refusal.times -= 1;
      this.#handlers.count('writes refused');
      return false;
    }
    if (!this.pbx.writeCustom(`Custom:${lamp}`, state)) return false;
    this.#handlers.lampSet(lamp, isAwaited);
    return true;
  }

  #work(): void {
    if (this.#working) return;
    this.#working = true;
    this.#agenda.after(this.workMs, () => {
      this.#working = false;
      if (this.isRunning) this.pbx.settle();
    });
  }

  #tell(event: PbxEvent): void {
    if (this.#sessions.size === 0) return;
    const message = messageOf(event.fields, { event: event.name });
    for (const session of this.#sessions) session.event({ type: 'event', message });
  }
}

/** Rows of a list have the ActionID of the question. */
const ROW = { actionid: 'x' };

function hintRow({ extension, context, hint, status }: ReturnType<Pbx['askHint']>): Message {
  return { exten: extension, context, hint, status: String(status), ...ROW };
}

function messageOf(fields: Fields, more: Message): Message {
  const message: Record<string, string> = { ...more };
  for (const [name, value] of fields) message[name.toLowerCase()] = value;
  return message;
}
