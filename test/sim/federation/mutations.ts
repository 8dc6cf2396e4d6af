/**
 * Ways to break the core, one at a time: each a file of src/core and a text in it that is replaced. Whoever changes the
 * core so that a text is no longer found gives the mutation its new text; one that no run finds out is no proof of
 * anything, and fails.
 */

export interface Mutation {
  readonly name: string;
  /** In src/core. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Also tried in CI: those that are found out soonest. */
  readonly quick?: boolean;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'frames out of order are taken',
    file: 'replica.ts',
    find: 'if (seq !== this.#lastSeq + 1) {',
    replace: 'if (seq < 1) {',
  },
  {
    name: 'a new link goes on with the old numbers and half a snapshot',
    file: 'mirror.ts',
    find: '    origin.replica.begin();\n',
    replace: '',
    quick: true,
  },
  {
    name: 'parts of a snapshot count at once',
    file: 'replica.ts',
    find: "    if (!last) return { result: 'held' };\n",
    replace: '',
    quick: true,
  },
  {
    name: 'what a snapshot changed is looked at once, and the rest of it never',
    file: 'slices.ts',
    find: '        if (job.next().done === true) break;\n',
    replace: '        job.next();\n        break;\n',
  },
  {
    name: 'extensions that a snapshot leaves out stay lit',
    file: 'replica.ts',
    find: '  for (const [key, entry] of before) yield now.has(key) ? undefined : { ...entry, state: null };\n',
    replace: '',
  },
  {
    name: 'another run of a peer is let in while the first is heard',
    file: 'mirror.ts',
    find: "return origin.epoch === undefined || origin.epoch === epoch || origin.peer.belief !== 'live';",
    replace: 'return true;',
    quick: true,
  },
  {
    name: 'frames are heard over any link',
    file: 'mirror.ts',
    find: 'if (origin === undefined || origin.former || origin.link !== link) return;',
    replace: 'if (origin === undefined || origin.former) return;',
    quick: true,
  },
  {
    name: 'suspect is gone at once',
    file: 'peer.ts',
    find: "const grace = this.#belief === 'suspect' ? goneAfterMs : firstSyncMs;",
    replace: "const grace = this.#belief === 'suspect' ? 0 : firstSyncMs;",
    quick: true,
  },
  {
    name: 'a mere change brings back an origin that was gone',
    file: 'peer.ts',
    find: "if (this.#belief === 'live' || this.#belief === 'suspect') this.vouched(now);",
    replace: 'this.vouched(now);',
  },
  {
    name: 'our own pause is taken for the silence of the peers',
    file: 'federation.ts',
    find: '    if (slept > 0) this.#mirror.excuse(slept);\n',
    replace: '',
  },
  {
    name: 'a bye is not heard',
    file: 'mirror.ts',
    find: '      origin.peer.left(message.final, now);\n',
    replace: '',
  },
  {
    name: 'lamps do not follow what is believed of their origin',
    file: 'mirror.ts',
    find: "      this.#note({ kind: 'belief', peer: origin.tag, from, to });\n      this.lighting.relightAll(origin, 'backlog');\n",
    replace: "      this.#note({ kind: 'belief', peer: origin.tag, from, to });\n",
    quick: true,
  },
  {
    name: 'a former peer is waited for',
    file: 'origin.ts',
    find: '    if (former) this.peer.left(true, now);\n',
    replace: '',
  },
  {
    name: 'a peer that left the config is still believed',
    file: 'origin.ts',
    find: '    if (former && !this.former) {\n      this.peer.left(true, now);\n',
    replace: '    if (former && !this.former) {\n',
  },
  {
    name: 'lamps of a peer not heard yet are darkened at once',
    file: 'origin.ts',
    find: 'return unwritten ? gone : undefined;',
    replace: 'return gone;',
    quick: true,
  },
  {
    name: 'what is to hold goes dark',
    file: 'origin.ts',
    find: "if (this.goneState !== 'hold' || ",
    replace: 'if (this.goneState !== undefined || ',
  },
  {
    name: 'UNKNOWN is shown as UNAVAILABLE',
    file: 'state.ts',
    find: "return state === 'UNKNOWN' ? 'NOT_INUSE' : state;",
    replace: "return state === 'UNKNOWN' ? 'UNAVAILABLE' : state;",
    quick: true,
  },
  {
    name: 'a hint that names a lamp is exported',
    file: 'exports.ts',
    find: 'const state = namesLamp ? undefined : fromExtensionStatus(status.status);',
    replace: 'const state = fromExtensionStatus(status.status);',
    quick: true,
  },
  {
    name: 'a lamp is taken for a device',
    file: 'device-map.ts',
    find: '    if (lampOfDevice(device) !== undefined) return [];\n',
    replace: '',
    quick: true,
  },
  {
    name: 'of several devices the first one counts',
    file: 'exports.ts',
    find: 'return states.length > 0 ? aggregate(states) : undefined;',
    replace: 'return states[0];',
  },
  {
    name: 'a reading by the old rules takes extensions away',
    file: 'exports.ts',
    find: 'const isWhole = this.#askedUnder === undefined || this.#askedUnder === this.#rules;',
    replace: 'const isWhole = true;',
  },
  {
    name: 'what a reload no longer exports is not taken back',
    file: 'federation.ts',
    find: 'this.#publish(this.#exports.setRules(rules));',
    replace: 'this.#exports.setRules(rules);',
  },
  {
    name: 'states that did not change are published',
    file: 'exported.ts',
    find: '    if (this.#rows.get(key)?.told.state === state) return undefined;\n',
    replace: '    if (state === undefined && !this.#rows.has(key)) return undefined;\n',
    quick: true,
  },
  {
    name: 'alive is said for an Asterisk that does not answer',
    file: 'federation.ts',
    find: 'return this.#asteriskUp && silence <= ANSWERED_WITHIN_INTERVALS * this.#options.timing.aliveEveryMs;',
    replace: 'return this.#asteriskUp && silence < Number.POSITIVE_INFINITY;',
  },
  {
    name: 'a link that came up too early is never served',
    file: 'federation.ts',
    find: 'else this.#unserved.add(link);',
    replace: 'else return;',
    quick: true,
  },
  {
    name: 'links wait for another session, not for an answer',
    file: 'federation.ts',
    find: '        this.#answeredAt = now;\n        return this.#serve();\n',
    replace: '        this.#answeredAt = now;\n        return;\n',
  },
  {
    name: 'a lamp that a phone begins to watch is not written',
    file: 'federation.ts',
    find: "return this.#mirror.lighting.watch(input.status, 'live');",
    replace: 'return;',
  },
  {
    name: 'a refused write is not tried again',
    file: 'lamps.ts',
    find: '      this.#waiting.add(name);\n',
    replace: '',
  },
  {
    name: 'a refused write is tried again without a pause',
    file: 'lamps.ts',
    find: 'lamp.retryAt = now + Math.min(RETRY_MIN_MS * 2 ** lamp.failures, RETRY_MAX_MS);',
    replace: 'lamp.retryAt = now;',
  },
  {
    name: 'one more unanswered write than the window has room for',
    file: 'lamps.ts',
    find: 'while (this.#tokens >= 1 && this.#unanswered.size < this.#options.window) {',
    replace: 'while (this.#tokens >= 1 && this.#unanswered.size <= this.#options.window) {',
    quick: true,
  },
  {
    name: 'writes cost no tokens',
    file: 'lamps.ts',
    find: '      this.#tokens -= 1;\n',
    replace: '',
    quick: true,
  },
  {
    name: 'what was written outlives its session',
    file: 'lamps.ts',
    find: '      lamp.written = undefined;\n      lamp.inFlight = NONE;\n',
    replace: '      lamp.inFlight = NONE;\n',
  },
  {
    name: 'what is written is not remembered',
    file: 'lamps.ts',
    find: '      lamp.written = write.state;\n',
    replace: '',
    quick: true,
  },
  {
    name: 'lamps that Asterisk has no more are written into it again',
    file: 'lighting.ts',
    find: '    for (const origin of this.#origins.values()) this.#forgetAllBut(found, origin);\n',
    replace: '',
    quick: true,
  },
  {
    name: 'a lamp that somebody else wrote stays so',
    file: 'lamps.ts',
    find: "      this.#repairs += 1;\n      this.#owe(name, 'backlog');\n",
    replace: '      this.#repairs += 1;\n',
  },
  {
    name: 'what Asterisk says otherwise need not last to be drift',
    file: 'lamps.ts',
    find: 'now - at >= DRIFT_SETTLE_MS && now',
    replace: 'now - at >= 0 && now',
  },
  {
    name: 'a refusal counts although a later value is on its way',
    file: 'lamps.ts',
    find: '} else if (lamp.inFlight.length === 0) {',
    replace: '} else {',
  },
  {
    name: 'a write that waits for a token waits for the next tick',
    file: 'lamps.ts',
    find: 'return this.#tokens >= 1 ? now : now + ((1 - this.#tokens) * 1_000) / this.#options.writesPerSecond;',
    replace: 'return undefined;',
  },
];
