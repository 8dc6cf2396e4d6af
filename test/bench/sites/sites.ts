// Every contestant by its name. Owns the list.
import type { Name, StartSite } from '../contract.ts';
import { startFloor } from './floor.ts';
import { startHintmesh, startZeromq } from './hintmesh.ts';
import { startPublish } from './publish.ts';
import { startXmpp } from './xmpp.ts';

export const SITES: Readonly<Record<Name, StartSite>> = {
  hintmesh: startHintmesh,
  zeromq: startZeromq,
  floor: startFloor,
  publish: startPublish,
  xmpp: startXmpp,
};
