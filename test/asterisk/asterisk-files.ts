// The configuration files of one test Asterisk. Owns their text only: who writes and runs them is asterisk.ts.

/**
 * Everything a PBX with PJSIP phones and hints needs, and no more: with all of Debian's modules a boot takes
 * several times as long. A name the older version does not have is only a line in its log.
 */
const MODULES = `
  app_dial app_directed_pickup app_echo app_playback bridge_simple bridge_native_rtp bridge_builtin_features bridge_softmix
  chan_pjsip codec_ulaw codec_alaw format_pcm
  func_callerid func_channel func_cut func_db func_devstate func_extstate func_global func_logic func_strings
  func_dialplan func_presencestate
  pbx_config res_manager_devicestate res_manager_presencestate res_rtp_asterisk res_timing_timerfd
  res_sorcery_config res_sorcery_memory res_sorcery_astdb res_pjproject
  res_pjsip res_pjsip_authenticator_digest res_pjsip_caller_id res_pjsip_dialog_info_body_generator
  res_pjsip_dlg_options res_pjsip_endpoint_identifier_user res_pjsip_exten_state res_pjsip_nat
  res_pjsip_outbound_publish res_pjsip_pidf_body_generator res_pjsip_pubsub res_pjsip_refer res_pjsip_registrar res_pjsip_rfc3326 res_pjsip_sdp_rtp
  res_pjsip_session`
  .trim()
  .split(/\s+/);

/** What the docs tell an admin to write for Hintmesh. */
export const BROKER_USER = { username: 'hintmesh', secret: 'test-only-hintmesh' } as const;
/** Allowed everything; for tests to provoke things with. */
export const TESTER_USER = { username: 'tester', secret: 'test-only-tester' } as const;
/** The context that phones call and subscribe in. */
export const CONTEXT = 'phones';

/** Without these files each boot logs an ERROR that means nothing, and hides those that do. */
const EMPTY: Readonly<Record<string, string>> = {
  'acl.conf': '',
  'ccss.conf': '[general]\n',
  'cdr.conf': '[general]\nenable = no\n',
  'cel.conf': '[general]\nenable = no\n',
  'features.conf': '[general]\n',
  'indications.conf': '[general]\ncountry = us\n[us]\ndescription = none\ndial = 350+440\n',
  'pjproject.conf': '',
  'udptl.conf': '[general]\n',
};

/** What a scenario needs beyond phones and hints. */
export interface Extras {
  /** Names without `.so`. */
  readonly modules?: readonly string[];
  /** Configuration files, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Further sections of pjsip.conf. */
  readonly pjsip?: string;
}

export interface AsteriskSpec extends Extras {
  /** As seen inside the root. */
  readonly folder: string;
  /** Two instances with one EID (the machine's first MAC otherwise) would take each other's states for own. */
  readonly entityId: string;
  readonly host: string;
  readonly sipPort: number;
  readonly amiPort: number;
  /** PJSIP endpoints without passwords, each with room for one registered phone. */
  readonly phones: readonly string[];
  /** Body of extensions.conf. */
  readonly dialplan: string;
  /** Further lines for the broker's section of manager.conf. */
  readonly manager?: string;
}

const endpoint = (name: string): string => `
[${name}](phone)
aors=${name}
[${name}](room)
`;

/** File name → text. */
export function asteriskFiles(spec: AsteriskSpec): Readonly<Record<string, string>> {
  const { folder } = spec;
  const modules = [...MODULES, ...(spec.modules ?? [])];
  return {
    ...EMPTY,
    'asterisk.conf': `[directories]
astetcdir => ${folder}/etc
astspooldir => ${folder}/spool
astdbdir => ${folder}/db
astrundir => ${folder}/run
astlogdir => ${folder}/log
[options]
entityid = ${spec.entityId}
nocolor = yes
hideconnect = yes
`,
    'modules.conf': `[modules]\nautoload=no\n${modules.map((name) => `load=${name}.so\n`).join('')}`,
    'logger.conf': '[general]\n[logfiles]\nfull => notice,warning,error\n',
    'rtp.conf': '[general]\nrtpstart = 10000\nrtpend = 19999\n',
    'manager.conf': `[general]
enabled = yes
port = ${spec.amiPort}
bindaddr = ${spec.host}
[${BROKER_USER.username}]
secret = ${BROKER_USER.secret}
read = call,system
write = call,reporting
${spec.manager ?? ''}
[${TESTER_USER.username}]
secret = ${TESTER_USER.secret}
read = all
write = all
writetimeout = 10000
`,
    'pjsip.conf': `[udp]
type=transport
protocol=udp
bind=${spec.host}:${spec.sipPort}
[phone](!)
type=endpoint
context=${CONTEXT}
disallow=all
allow=ulaw
direct_media=no
; Asterisk would look up its own host name at each call to find an address for its RTP
media_address=${spec.host}
bind_rtp_to_media_address=yes
allow_subscribe=yes
[room](!)
type=aor
max_contacts=1
remove_existing=yes
${spec.phones.map(endpoint).join('')}${spec.pjsip ?? ''}`,
    'extensions.conf': spec.dialplan,
    ...spec.files,
  };
}
