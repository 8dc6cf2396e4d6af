// What SIPp's phones say, as its XML scenarios. Owns the text only. `[...]` are SIPp's own keywords.

const scenario = (name: string, body: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n<scenario name="${name}">\n${body}\n</scenario>\n`;

const send = (message: string, attributes = 'retrans="500"'): string =>
  `<send ${attributes}><![CDATA[\n\n${message.trim()}\n\n]]></send>`;

/** SIPp counts the body itself: `[len]`. */
const sdp = (direction: string): string => `Content-Type: application/sdp
Content-Length: [len]

v=0
o=phone 1 1 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=${direction}`;

const pause = (ms: number): string => `<pause milliseconds="${ms}"/>`;

export function registerScenario(user: string): string {
  return scenario(
    'register',
    `${send(`REGISTER sip:[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:${user}@[remote_ip]>;tag=[pid]r[call_number]
To: <sip:${user}@[remote_ip]>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:${user}@[local_ip]:[local_port]>
Expires: 3600
Content-Length: 0`)}
<recv response="200"/>`,
  );
}

/** Rings for `ringMs`, answers, and stays until the other side hangs up; takes a hold in between. */
export function answerScenario(ringMs: number): string {
  const reply = (status: string, body: string, attributes = ''): string =>
    send(
      `SIP/2.0 ${status}
[last_Via:]
[last_From:]
[last_To:];tag=[pid]a[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[local_ip]:[local_port];transport=[transport]>
${body}`,
      attributes,
    );
  return scenario(
    'answer',
    `<recv request="INVITE"/>
${reply('180 Ringing', 'Content-Length: 0')}
${pause(ringMs)}
${reply('200 OK', sdp('sendrecv'), 'retrans="500"')}
<recv request="ACK"/>
<recv request="BYE"/>
${send(
  `SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0`,
  '',
)}`,
  );
}

/** Calls, talks for `talkMs`, holds for `holdMs` when given, hangs up. */
export function callScenario(user: string, to: string, talkMs: number, holdMs?: number): string {
  const request = (method: string, cseq: number, toHeader: string, rest: string): string =>
    `${method} sip:${to}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From: <sip:${user}@[remote_ip]>;tag=[pid]c[call_number]
To: <sip:${to}@[remote_ip]>${toHeader}
Call-ID: [call_id]
CSeq: ${cseq} ${method}
Contact: <sip:${user}@[local_ip]:[local_port]>
${rest}`;
  const inDialog = '[peer_tag_param]';
  const empty = 'Content-Length: 0';
  const hold =
    holdMs === undefined
      ? ''
      : `${send(request('INVITE', 2, inDialog, sdp('sendonly')))}
<recv response="100" optional="true"/>
<recv response="200"/>
${send(request('ACK', 2, inDialog, empty), '')}
${pause(holdMs)}`;
  return scenario(
    'call',
    `${send(request('INVITE', 1, '', sdp('sendrecv')))}
<recv response="100" optional="true"/>
<recv response="180" optional="true"/>
<recv response="183" optional="true"/>
<recv response="200"/>
${send(request('ACK', 1, inDialog, empty), '')}
${pause(talkMs)}
${hold}
${send(request('BYE', 3, inDialog, empty))}
<recv response="200"/>`,
  );
}
