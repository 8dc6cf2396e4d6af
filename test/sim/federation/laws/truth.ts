/**
 * What the extensions of a PBX really are, by its export rules: read from the simulated Asterisk, not from any broker.
 * Where Asterisk leaves it open (docs/architecture.md) several states are right.
 */
import type { DeviceState } from '../../../../src/core/state.ts';
import type { Pbx } from '../../pbx.ts';
import type { ExportPlan } from '../history.ts';
import {
  deviceOf,
  devicesOf,
  isNamed,
  lampsNamed,
  namedOneByOne,
  ofChannel,
  ofStatus,
  together,
} from './words.ts';

export type Truth = ReadonlyMap<string, readonly (DeviceState | undefined)[]>;

export function truthOf(pbx: Pbx, rules: readonly ExportPlan[]): Truth {
  const truth = new Map<string, readonly (DeviceState | undefined)[]>();
  for (const rule of rules) {
    if (rule.source === 'hint') ofHints(pbx, rule, truth);
    else if (rule.source === 'device') ofDevices(pbx, rule, truth);
    else ofChannels(pbx, rule, truth);
  }
  return truth;
}

function ofHints(pbx: Pbx, rule: ExportPlan, truth: Map<string, readonly (DeviceState | undefined)[]>): void {
  const rows = pbx.hintRows();
  for (const { extension, context, hint, status } of rows) {
    if (context !== rule.context || !isNamed(rule.match, extension) || lampsNamed(hint).length > 0) continue;
    // A watched hint keeps its old status through a reload, while ExtensionState gives the new one.
    truth.set(extension, [ofStatus(status), pbx.hintState(extension, context)]);
  }
  for (const extension of namedOneByOne(rule.match)) {
    if (rows.some((row) => row.extension === extension && row.context === rule.context)) continue;
    const state = pbx.hintState(extension, rule.context);
    if (state !== undefined) truth.set(extension, [state]);
  }
}

function ofDevices(
  pbx: Pbx,
  rule: ExportPlan,
  truth: Map<string, readonly (DeviceState | undefined)[]>,
): void {
  const known = pbx.devices();
  const candidates = new Set([...known.keys()].map((device) => device.slice(device.search(/[/:]/) + 1)));
  for (const extension of [...candidates, ...namedOneByOne(rule.match)]) {
    if (!isNamed(rule.match, extension)) continue;
    const states = devicesOf(rule, extension)
      .filter((device) => lampsNamed(device).length === 0)
      .map((device) => known.get(device))
      .filter((state) => state !== undefined);
    if (states.length > 0) truth.set(extension, [together(states)]);
  }
}

function ofChannels(
  pbx: Pbx,
  rule: ExportPlan,
  truth: Map<string, readonly (DeviceState | undefined)[]>,
): void {
  const channels = pbx.channelRows().map((fields) => new Map(fields));
  for (const extension of namedOneByOne(rule.match)) {
    const numbers = channels
      .filter((channel) => devicesOf(rule, extension).includes(deviceOf(channel.get('Channel') ?? '') ?? ''))
      .map((channel) => Number(channel.get('ChannelState')));
    // No list tells which are on hold, so a broker that began later cannot know.
    const states = [false, true].map((held) =>
      together(['NOT_INUSE', ...numbers.map((state) => ofChannel(state, held))]),
    );
    truth.set(extension, states);
  }
}
