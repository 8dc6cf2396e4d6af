/**
 * One thing to try: bytes that arrive one after another, and where. Owns the format of files in which inputs that
 * failed are kept: a line for the target, a line of hex for each part, an empty line between inputs.
 */

/** Frames after a good hello; from the first word on; AMI in a session that is up; AMI from the greeting on. */
export const TARGETS = ['frames', 'hello', 'events', 'session'] as const;
export type Target = (typeof TARGETS)[number];

export interface Input {
  readonly target: Target;
  readonly parts: readonly Buffer[];
}

export function asText(inputs: readonly Input[]): string {
  const blocks = inputs.map(({ target, parts }) =>
    [target, ...parts.map((part) => `- ${part.toString('hex')}`)].join('\n'),
  );
  return `${blocks.join('\n\n')}\n`;
}

export function fromText(text: string): Input[] {
  return text
    .trim()
    .split('\n\n')
    .map((block) => {
      const [word, ...lines] = block.split('\n');
      const target = TARGETS.find((one) => one === word);
      if (target === undefined) throw new Error(`no target is called "${word}"`);
      return { target, parts: lines.map((line) => Buffer.from(line.slice(2), 'hex')) };
    });
}
