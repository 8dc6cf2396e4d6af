// Two PBXs with trunks to each other, and what `hintmesh dialplan` printed for each. Owns their dialplans but for that,
// and the trunks.
import { until } from '../until.ts';
import type { TestAmi } from './ami.ts';
import type { Asterisk } from './asterisk.ts';
import { CONTEXT } from './asterisk-files.ts';
import { type Broker, befriend } from './broker.ts';
import type { Lab } from './lab.ts';
import { believes, MSK, SPB } from './pair.ts';
import type { Root } from './provision.ts';

/** The context that trunks of peers are in. */
const FROM_PEERS = 'hintmesh-from-peers';

/** 600 is a group, 1004 is at a desk that is not named so, 1005 is marked for pickup and dialled elsewhere. */
const SITE = `[${CONTEXT}]
include => hintmesh
exten => 1001,hint,PJSIP/1001&Custom:DND1001,CustomPresence:1001
exten => 1002,hint,PJSIP/1002
exten => 1004,hint,Custom:l1004
exten => 1005,hint,Custom:l1005
exten => _100[12],1,Dial(PJSIP/\${EXTEN},30)
exten => 1004,1,Dial(PJSIP/1001,30)
exten => 1005,1,Set(__PICKUPMARK=1005)
 same => n,Goto(desks,s,1)
exten => 600,1,Dial(PJSIP/1001&PJSIP/1009,30)
[desks]
exten => s,1,Dial(PJSIP/1001,30)
`;
const PHONES = ['1001', '1002', '1009'];
/** What is there before anything was printed. */
const EMPTY = `[hintmesh]\n[${FROM_PEERS}]\n`;

export interface Site {
  readonly pbx: Asterisk;
  readonly broker: Broker;
  /** What `hintmesh dialplan` printed. */
  readonly printed: string;
}

export interface Sites {
  readonly msk: Site;
  readonly spb: Site;
}

/** Sections of a config. */
type More = Readonly<Record<string, unknown>>;

/**
 * Everything running and linked, and the dialplans made and loaded; `more` is added to the configs,
 * `options` are those of the command.
 */
export async function openSites(
  lab: Lab,
  roots: { msk: Root; spb: Root },
  more: { readonly msk?: More; readonly spb?: More } = {},
  ...options: readonly string[]
): Promise<Sites> {
  const boot = (tag: string, root: Root) =>
    lab.pbx({ root, name: tag, phones: PHONES, dialplan: SITE + EMPTY });
  const [msk, spb] = await Promise.all([boot(MSK, roots.msk), boot(SPB, roots.spb)]);
  await Promise.all([addTrunk(msk, spb), addTrunk(spb, msk)]);
  // What was never said, nobody is told of.
  const ami = await spb.ami();
  await ami.action({
    Action: 'Setvar',
    Variable: 'PRESENCE_STATE(CustomPresence:1001)',
    Value: 'available,,',
  });
  const [mskBroker, spbBroker] = await Promise.all([
    lab.broker({ tag: MSK, pbx: msk }),
    lab.broker({ tag: SPB, pbx: spb }),
  ]);
  befriend(spbBroker, mskBroker);
  await Promise.all([mskBroker.start(), spbBroker.start()]);
  await addConfig(spbBroker, more.spb);
  await addConfig(mskBroker, more.msk);
  await Promise.all([believes(mskBroker, SPB, 'live'), believes(spbBroker, MSK, 'live')]);
  return {
    msk: { pbx: msk, broker: mskBroker, printed: await print(mskBroker, msk, options) },
    spb: { pbx: spb, broker: spbBroker, printed: await print(spbBroker, spb, options) },
  };
}

/** A trunk at `pbx` to `other`, over which each knows the other by the user of From. */
async function addTrunk(pbx: Asterisk, other: Asterisk): Promise<void> {
  const name = `trunk-${other.name}`;
  const sections: Record<string, Record<string, string>> = {
    [name]: {
      type: 'endpoint',
      context: FROM_PEERS,
      disallow: 'all',
      allow: 'ulaw',
      aors: `to-${other.name}`,
      direct_media: 'no',
      from_user: `trunk-${pbx.name}`,
      media_address: pbx.host,
      bind_rtp_to_media_address: 'yes',
    },
    [`to-${other.name}`]: { type: 'aor', contact: `sip:${other.host}:${other.sipPort}` },
  };
  const action: Record<string, string> = {
    Action: 'UpdateConfig',
    SrcFilename: 'pjsip.conf',
    DstFilename: 'pjsip.conf',
    Reload: 'res_pjsip.so',
  };
  let made = 0;
  const step = (fields: Record<string, string>) => {
    const at = String(made++).padStart(6, '0');
    for (const [key, value] of Object.entries(fields)) action[`${key}-${at}`] = value;
  };
  for (const [section, values] of Object.entries(sections)) {
    step({ Action: 'newcat', Cat: section });
    for (const [key, value] of Object.entries(values)) {
      step({ Action: 'append', Cat: section, Var: key, Value: value });
    }
  }
  const ami = await pbx.ami();
  const answer = await ami.action(action);
  if (answer['response'] !== 'Success') throw new Error(`${pbx.name} takes no trunk: ${answer['message']}`);
  await until(`${pbx.name} has ${name}`, async () => {
    const shown = await ami.command(`pjsip show endpoint ${name}`);
    return shown.includes(`to-${other.name}/sip:`) && shown.includes(FROM_PEERS);
  });
  await ami.close();
}

async function addConfig(broker: Broker, more: More | undefined): Promise<void> {
  if (more === undefined) return;
  const { event, msg } = await broker.reloadText(
    JSON.stringify({ ...JSON.parse(broker.configText()), ...more }),
  );
  if (event !== 'reloaded') throw new Error(`${broker.tag} does not take its config: ${msg}`);
}

async function print(broker: Broker, pbx: Asterisk, options: readonly string[]): Promise<string> {
  const { code, out } = await broker.command('dialplan', '--context', CONTEXT, ...options);
  if (code !== 0) throw new Error(`dialplan at ${broker.tag} ended with ${code}: ${out}`);
  await pbx.writeDialplan(SITE + out);
  await pbx.cli('dialplan reload');
  return out;
}

/** The hint of a name as AMI's ExtensionState gives it; `none`: it has none. */
export async function hintOf(ami: TestAmi, name: string): Promise<string> {
  const answer = await ami.action({ Action: 'ExtensionState', Exten: name, Context: 'phones' });
  return answer['status'] === '-1' ? 'none' : `${answer['hint']}`;
}
