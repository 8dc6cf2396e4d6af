// Sets many devices of a PBX one after another as fast as it takes them. A process of its own, started by
// storm.test.ts: the phones of a test must not wait for it. Owns the order of the states; prints what is last.
import { TestAmi } from './ami.ts';
import { TESTER_USER } from './asterisk-files.ts';

/** What it is told, as JSON in its first argument. */
export interface StormOrder {
  readonly host: string;
  readonly port: number;
  readonly changes: number;
  /** Names of Custom devices. */
  readonly devices: readonly string[];
  readonly states: readonly string[];
  /** Setvars that are not answered yet. */
  readonly window: number;
}

const order = JSON.parse(process.argv[2] ?? '{}') as StormOrder;
const ami = await TestAmi.login({ host: order.host, port: order.port, ...TESTER_USER });
await ami.action({ Action: 'Events', EventMask: 'off' });

const last: Record<string, string> = {};
let seed = 1;
let sent = 0;

/** A fixed order that looks random: 0 ≤ n < below. */
function random(below: number): number {
  seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
  return Math.floor((seed / 2_147_483_648) * below);
}

async function work(): Promise<void> {
  while (sent < order.changes) {
    sent += 1;
    const device = order.devices[random(order.devices.length)] ?? '';
    // Another state than before: Asterisk says nothing when a device is set to what it is.
    const others = order.states.filter((state) => state !== last[device]);
    const state = others[random(others.length)] ?? '';
    last[device] = state;
    await ami.setCustom(device, state);
  }
}

await Promise.all(Array.from({ length: order.window }, work));
await ami.close();
console.log(JSON.stringify(last));
