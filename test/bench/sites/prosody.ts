// The XMPP server that carries states for res_xmpp: prosody, whose pubsub keeps everything in memory. Owns its
// configuration, accounts and life; its files are in a folder of its own inside its root, and go with it.

import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Child, start } from '../../asterisk/child.ts';
import type { Lab } from '../../asterisk/lab.ts';
import type { Namespace } from '../../asterisk/net.ts';
import { freeTcpPort } from '../../asterisk/ports.ts';
import { until } from '../../until.ts';
import { type ProsodyRoot, prosodyRoot } from './prosody-root.ts';

export { CannotRun } from './prosody-root.ts';

/** Of the accounts; the pubsub service is `pubsub.DOMAIN`. */
export const DOMAIN = 'xmpp.test';
/** All accounts have it: the server is reached from this machine only. */
export const PASSWORD = 'test-only-xmpp';
const LOOPBACK = '127.0.0.1';
/** It starts within a second; a loaded machine is given this long. */
const START_TIMEOUT_MS = 30_000;
/** Folders carry the pid of the process that owns them, so that orphans can be told. */
const FOLDER = /^hintmesh-(\d+)-/;

let servers = 0;

export interface Prosody {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** `0.12.3`. */
  readonly version: string;
}

/**
 * What makes res_xmpp work with it: nodes come to be when somebody publishes or subscribes, and every PBX owns them.
 */
function configuration(folder: string, host: string, port: number, accounts: readonly string[]): string {
  const admins = accounts.map((account) => `"${account}@${DOMAIN}"`).join(', ');
  return `
run_as_root = true
pidfile = "${folder}/pid"
data_path = "${folder}/data"
certificates = "${folder}"
interfaces = { "${host}" }
local_interfaces = { "${host}" }
c2s_ports = { ${port} }
s2s_ports = { }
component_ports = { }
http_ports = { }
https_ports = { }
modules_enabled = { "disco", "iq", "message", "ping", "posix", "presence", "roster", "saslauth" }
modules_disabled = { "offline", "s2s", "tls" }
authentication = "internal_plain"
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
limits = { }
log = { info = "${folder}/log" }
storage = "internal"
admins = { ${admins} }
VirtualHost "${DOMAIN}"
Component "pubsub.${DOMAIN}" "pubsub"
  storage = "memory"
  admins = { ${admins} }
  default_admin_affiliation = "owner"
  autocreate_on_publish = true
  autocreate_on_subscribe = true
  pubsub_max_items = 10000
`;
}

/** Starts one with these accounts; it is the lab's. Fails with `CannotRun` where there can be none. */
export async function startProsody(
  lab: Lab,
  accounts: readonly string[],
  namespace?: Namespace,
): Promise<Prosody> {
  const root = await prosodyRoot();
  await removeOrphans(root);
  servers += 1;
  const folder = `/tmp/hintmesh-${process.pid}-${servers}`;
  const outside = join(root.path, folder);
  const host = namespace?.peerAddress ?? LOOPBACK;
  const port = namespace ? 5222 : await freeTcpPort();
  let child: Child | undefined;
  lab.keep({
    close: async () => {
      await child?.stop('SIGKILL');
      await rm(outside, { recursive: true, force: true });
    },
  });
  // Its storage writes what is not a letter or a digit in a domain as %xx.
  const home = join(outside, 'data', DOMAIN.replaceAll('.', '%2e'), 'accounts');
  await mkdir(home, { recursive: true });
  for (const account of accounts) {
    await writeFile(join(home, `${account}.dat`), `return { ["password"] = "${PASSWORD}" };\n`);
  }
  await writeFile(join(outside, 'prosody.cfg.lua'), configuration(folder, host, port, accounts));
  const argv = ['prosody', '--config', `${folder}/prosody.cfg.lua`, '-F'];
  const server = start([...(namespace?.enter ?? []), 'chroot', root.path, ...argv]);
  child = server;
  const log = (): string => {
    const file = join(outside, 'log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  };
  await until(
    () => `prosody listens\n${log()}`,
    () => {
      if (!server.running) throw new Error(`prosody did not start\n${log()}`);
      return /Activated service 'c2s' on \[/.test(log());
    },
    START_TIMEOUT_MS,
  );
  return { host, port, pid: server.pid, version: root.version };
}

/** What killed runs left. */
async function removeOrphans(root: ProsodyRoot): Promise<void> {
  for (const name of await readdir(join(root.path, 'tmp'))) {
    const pid = FOLDER.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    await rm(join(root.path, 'tmp', name), { recursive: true, force: true });
  }
}
