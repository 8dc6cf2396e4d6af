/**
 * The config file as YAML: its text, within bounds, and where in it things are. Every value stays the text
 * that was written (the failsafe schema): `0100` keeps its zero and `no` is no boolean until schema.ts says
 * what a value is. Knows no keys.
 */
import { isMap, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { Findings } from './findings.ts';

/** A config of hundreds of peers and rules is far smaller; parsing time grows with the square of the keys. */
export const MAX_CONFIG_BYTES = 256 * 1024;

const MAX_SYNTAX_MISTAKES = 10;
/** Far more than a config has, far less than what exhausts the parser, which can take the process with it. */
const MAX_DEPTH = 32;
const MAX_INDENT = 128;

export interface YamlFile {
  /** The mapping at the top; `undefined` when there is none to rely on (and `findings` says why). */
  readonly top: YAMLMap | undefined;
  readonly findings: Findings;
}

/** Never throws on what the text holds. */
export function readYaml(text: string, file: string): YamlFile {
  const lines = new LineCounter();
  const findings = new Findings(file, lines);
  const deep = whereTooDeep(text);
  if (deep !== undefined) {
    for (const { index } of text.matchAll(/^/gm)) lines.addNewLine(index);
    findings.mistakeAt(deep, 'nested too deep for a config');
    return { top: undefined, findings };
  }
  const document = parseDocument(text, {
    schema: 'failsafe',
    resolveKnownTags: false,
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    logLevel: 'error',
  });
  const told = new Set<number>();
  for (const { pos, code, message } of [...document.errors, ...document.warnings]) {
    const { line } = lines.linePos(pos[0]);
    // One slip makes the parser stumble on, often in the same line: the first word says it.
    if (told.has(line) || told.size >= MAX_SYNTAX_MISTAKES) continue;
    told.add(line);
    const words = WORDS[code] ?? withoutQuote(message) + cureOfPattern(lineAt(text, lines, line));
    const cure = lineAt(text, lines, line).includes('curve_key')
      ? '; a curve_key stands in double quotes'
      : '';
    findings.mistakeAt(pos[0], words + cure);
  }
  // After a slip in the syntax the tree is guesswork; the others leave it sound.
  const sound = document.errors.every(({ code }) => code === 'DUPLICATE_KEY');
  const top = document.contents;
  if (isMap(top)) return { top: sound ? top : undefined, findings };
  if (sound) findings.mistakeAt(0, 'the file must hold keys and values, like "tag: msk"');
  return { top: undefined, findings };
}

/**
 * The character from which on something is nested too deep to be given to the parser. A rough count: brackets
 * within quotes or comments count as well, but they come in pairs or are few.
 */
function whereTooDeep(text: string): number | undefined {
  let brackets = 0;
  let start = 0;
  for (const line of text.split('\n')) {
    for (const character of line) {
      if (character === '[' || character === '{') brackets += 1;
      if (character === ']' || character === '}') brackets = Math.max(0, brackets - 1);
      if (brackets > MAX_DEPTH) return start;
    }
    // "- - - x" nests by as many levels as it has dashes.
    const isComment = line.trimStart().startsWith('#');
    const levels = isComment || brackets > 0 ? 0 : (line.match(/[-?:](?=\s|$)/g)?.length ?? 0);
    if (levels > MAX_DEPTH || line.search(/\S|$/) > MAX_INDENT) return start;
    start += line.length + 1;
  }
  return undefined;
}

/** The parser's words where they would puzzle an admin. */
const WORDS: Record<string, string> = {
  DUPLICATE_KEY: 'this key was given before; each key stands once in its section',
  MULTIPLE_DOCS: 'a second document begins here; the config is one document, without "---" in it',
  TAB_AS_INDENT: 'a tab; YAML is indented with spaces',
  TAG_RESOLVE_FAILED: 'a YAML tag (!…); write the plain value',
  BAD_DQ_ESCAPE:
    'not valid YAML: an escape (\\…) it does not know, in double quotes; single quotes take it as it is',
  BAD_DIRECTIVE: 'a YAML directive (%…); leave it out',
};

/** Its text; '' past the end. */
function lineAt(text: string, lines: LineCounter, line: number): string {
  return text.slice(lines.lineStarts[line - 1], lines.lineStarts[line]);
}

/** `{ match: _[1-3]X, as: 7{ext} }`: the brackets of a pattern or template are YAML's there. */
function cureOfPattern(line: string): string {
  if (!/[{[].*\b(match|except|as|device|channels|presence):/.test(line)) return '';
  return '; within { } and [ ] a pattern, expression or template with brackets stands in quotes';
}

/** A parser's message may quote what it stumbled over, which may be a secret: that comes after a colon. */
function withoutQuote(message: string): string {
  return `not valid YAML: ${message.replace(/(?<! ): [\s\S]*$/, '')}`;
}
