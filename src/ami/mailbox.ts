/**
 * Mailboxes and their new messages: rows of VoicemailUsersList and MessageWaiting events, in the core's words. Owns what
 * such a packet must look like to be believed.
 */
import type { MailboxStatus } from '../core/source.ts';
import type { Message } from './message.ts';

/** Of a name, without its context; Asterisk reserves 80 for each (apps/app_voicemail.c, `struct ast_vm_user`). */
const MAX_NAME = 79;
/** What a mailbox without a context is in (apps/app_voicemail.c). */
const DEFAULT_CONTEXT = 'default';
/** One mailbox only: several in one packet are parted by `,` or `&`, and the count would be of all of them. */
const NAME = /^[^\s,&@\u0000-\u001f\u007f]+$/;
const COUNT = /^\d{1,9}$/;

/** A row of VoicemailUsersList, or `undefined` when the packet is not one. */
export function mailboxOfRow(message: Message): MailboxStatus | undefined {
  return status(message['voicemailbox'], message['vmcontext'], message['newmessagecount']);
}

/**
 * What MessageWaiting tells, or `undefined`. Its `Waiting` is about all the folders of the voicemail here, whoever told the
 * number of messages (main/manager_mwi.c); up to 11 it stands alone when somebody has listened to messages.
 */
export function mailboxOfEvent(message: Message): MailboxStatus | undefined {
  const [box, context, ...more] = (message['mailbox'] ?? '').split('@');
  return more.length > 0 ? undefined : status(box, context, message['new'] ?? message['waiting']);
}

function status(
  box: string | undefined,
  context: string | undefined,
  count: string | undefined,
): MailboxStatus | undefined {
  const where = context === undefined || context === '' ? DEFAULT_CONTEXT : context;
  if (!isName(box) || !isName(where) || count === undefined || !COUNT.test(count)) return undefined;
  return { mailbox: `${box}@${where}`, newMessages: Number(count) };
}

function isName(text: string | undefined): text is string {
  return text !== undefined && text.length <= MAX_NAME && NAME.test(text);
}
