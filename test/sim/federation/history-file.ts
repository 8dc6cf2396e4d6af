/**
 * A history as it is kept and shown, one JSON a line: what is true of all of it, then each site, then each step. So a
 * difference between two of them can be read.
 */
import type { History, SitePlan, Step } from './history.ts';

type Head = Omit<History, 'sites' | 'steps'>;

export function asText({ sites, steps, ...head }: History): string {
  const lines = [head, ...sites.map((site) => ({ site })), ...steps.map((step) => ({ step }))];
  return `${lines.map((line) => JSON.stringify(line)).join('\n')}\n`;
}

/** Throws when it is none, or of another format. */
export function fromText(text: string): History {
  const [head, ...lines] = text
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
  const { format } = head as Head;
  if (format !== 1) throw new Error(`a history of format ${format}; this plays format 1`);
  const sites: SitePlan[] = [];
  const steps: Step[] = [];
  for (const line of lines as { site?: SitePlan; step?: Step }[]) {
    if (line.site) sites.push(line.site);
    else if (line.step) steps.push(line.step);
  }
  return { ...(head as Head), sites, steps };
}
