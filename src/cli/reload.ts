/** `hintmesh reload`: has the running broker read its config again, and prints what came of it. */
import { visible } from '../config/formats.ts';
import type { Reloaded } from '../http/contract.ts';
import { reloadAnswer } from './answers.ts';
import { ask } from './api.ts';
import { type AtBroker, commandAddress } from './broker-address.ts';
import { FAILED, type Io, OK } from './io.ts';
import { printableJson } from './text.ts';

/** It waits for one that already runs, and for the files that the config names. */
const RELOAD_TIMEOUT_MS = 120_000;

export async function reload(options: AtBroker, io: Io): Promise<number> {
  const { address, token } = commandAddress(options, 'reload', io);
  const call = {
    method: 'POST',
    path: '/api/reload',
    token,
    timeoutMs: RELOAD_TIMEOUT_MS,
    anyStatus: true,
  } as const;
  const reloaded = (await ask(address, call, reloadAnswer)) as Reloaded;
  if (options.json) io.out(printableJson(reloaded));
  else print(reloaded, io);
  return reloaded.ok ? OK : FAILED;
}

function print(reloaded: Reloaded, io: Io): void {
  if (!reloaded.ok) {
    for (const mistake of reloaded.mistakes) io.err(visible(mistake));
    return;
  }
  const { changes, warnings = [] } = reloaded;
  for (const warning of warnings) io.err(`warning: ${visible(warning)}`);
  if (changes.length === 0) io.out('reloaded; nothing changed');
  for (const change of changes) io.out(visible(change));
}
