import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countAnswers, eachStatus, wholeUntil } from './scan.ts';

const ANSWER = 'Response: Success\r\nMessage: Variable Set\r\n\r\n';
const event = (exten: string, code: number): string =>
  `Event: ExtensionStatus\r\nPrivilege: call,all\r\nExten: ${exten}\r\nContext: phones\r\nHint: Custom:${exten}\r\n` +
  `Status: ${code}\r\nStatusText: x\r\n\r\n`;
const row = (exten: string, code: number): string =>
  event(exten, code).replace('Privilege: call,all', 'ActionID: list');

function statuses(text: string): string[] {
  const found: string[] = [];
  eachStatus(text, (exten, code, listed) => found.push(`${exten} ${code}${listed ? ' listed' : ''}`));
  return found;
}

test('only whole packets count', () => {
  assert.equal(wholeUntil('Response: Success\r\nMess'), 0);
  assert.equal(wholeUntil(`${ANSWER}Response: Suc`), ANSWER.length);
});

test('answers are counted among events', () => {
  assert.equal(countAnswers(''), 0);
  assert.equal(countAnswers(ANSWER + event('1000', 1) + ANSWER + ANSWER), 3);
});

test('every ExtensionStatus is found, and rows of a list are told apart', () => {
  const text = ANSWER + event('1000*msk', 1) + event('1001*msk', 0) + row('1002*msk', 16);
  assert.deepEqual(statuses(text), ['1000*msk 1', '1001*msk 0', '1002*msk 16 listed']);
});

test('the status is that of its own packet', () => {
  const other =
    'Event: DeviceStateChange\r\nPrivilege: call,all\r\nDevice: Custom:l1\r\nState: INUSE\r\n\r\n';
  assert.deepEqual(statuses(other + event('7', 8) + other), ['7 8']);
});
