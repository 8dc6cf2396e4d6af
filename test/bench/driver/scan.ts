// What the driver and the bare relay read of AMI: how many answers, and which ExtensionStatus. Owns how it is found
// in the text without taking packets apart: whoever triggers and whoever measures must cost little.

const END = '\r\n\r\n';
const ANSWER = 'Response: ';
const STATUS = 'Event: ExtensionStatus\r\n';
const EXTEN = '\r\nExten: ';
const CODE = '\r\nStatus: ';

/** Where the last whole packet ends; 0: there is none. */
export function wholeUntil(text: string): number {
  const at = text.lastIndexOf(END);
  return at < 0 ? 0 : at + END.length;
}

/** Of whole packets. */
export function countAnswers(text: string): number {
  let count = 0;
  for (let at = text.indexOf(ANSWER); at >= 0; at = text.indexOf(ANSWER, at + ANSWER.length)) count += 1;
  return count;
}

/** Each ExtensionStatus of whole packets; `listed`: it is a row of a list, and nothing happened. */
export function eachStatus(text: string, take: (exten: string, code: string, listed: boolean) => void): void {
  for (let at = text.indexOf(STATUS); at >= 0; at = text.indexOf(STATUS, at + STATUS.length)) {
    const exten = text.indexOf(EXTEN, at) + EXTEN.length;
    const code = text.indexOf(CODE, exten) + CODE.length;
    take(
      text.slice(exten, text.indexOf('\r\n', exten)),
      text.slice(code, text.indexOf('\r\n', code)),
      text.startsWith('ActionID: ', at + STATUS.length),
    );
  }
}

/** Words of DEVICE_STATE() and the codes that hints of one such device have. */
export const CODES: Readonly<Record<string, string>> = {
  NOT_INUSE: '0',
  INUSE: '1',
  BUSY: '2',
  UNAVAILABLE: '4',
  INVALID: '4',
  RINGING: '8',
  RINGINUSE: '9',
  ONHOLD: '16',
};
