import type { Command, Dialect, Place, Policy, Row } from '../kinds';
import { FORWARD, TRANSACTION } from './ruleset';
import { statements, type Statement } from './statements';

/** What a statement outside of tables begins with that makes the text a whole ruleset. */
const WHOLE = /^(?:add|create|insert|replace|delete|destroy|flush|table)\b/;
/** The beginning of a line typed in a shell. */
const TYPED = /[ \t]*(?:[^\s'"]*\/)?nft[ \t]+/y;
/** In a chain, what is no rule. */
const NO_RULE = /^(?:type|policy|comment|devices?|define|redefine|undefine|include)\b/;
/** Outside of tables a rule is added by `add rule`, `insert rule`, or without that word, by its place and itself. */
const ADDED_RULE =
  /^(?:(?:add|insert|replace)\s+)?(?:rule\s|(?!(?:add|create|insert|replace|delete|destroy|flush|list|reset|rename|import|export|monitor|describe|include|define|redefine|undefine|table|chain|set|map|element|flowtable|counter|quota|limit|secmark|synproxy|ct|meter|ruleset)\b))/;

/**
 * nft text: rules for forwarded packets, which the lab puts into a chain, or whole tables. Either is loaded as it
 * stands; nft itself reads the grammar. What is read here is where rules begin, to number them.
 */
export const nftables: Dialect = {
  parse(text, context) {
    const plain = withoutShell(text);
    const ofTables = statements(plain);
    const whole = ofTables.some(({ text: said, within }) => within !== 'top' || WHOLE.test(said));
    const found = whole ? ofTables : statements(plain, 'chain');
    const rules = found.filter(isRule);
    const rows = rules.map((rule, index) => rowOf(rule, context.firstRow + index));
    return {
      rows,
      commands: !whole && rows.length > TRANSACTION ? oneByOne(rows) : byLine(plain, rows, whole),
      problems: [],
      policy: whole ? policyOf(found) : null,
      translates: found.some(({ text: said }) => /^type\s+nat\b/.test(said)),
    };
  },
};

function isRule({ text, within }: Statement): boolean {
  return within === 'chain' ? !NO_RULE.test(text) : within === 'top' && ADDED_RULE.test(text);
}

function rowOf({ text, line, column }: Statement, row: number): Row {
  return { row, text, line, column, stops: /\b(?:drop|reject)\b/.test(text.replace(/"[^"]*"/g, '')) };
}

/** What base chains do with forwarded packets that no row speaks of: drop where one of them does (nft(8)). */
function policyOf(found: readonly Statement[]): Policy {
  let forwards = false;
  let drops = false;
  for (const { text, within } of found) {
    if (within !== 'chain') forwards = false;
    else if (/^type\s/.test(text)) forwards = /\bhook\s+forward\b/.test(text);
    else if (forwards && /^policy\s+drop\b/.test(text)) drops = true;
  }
  return drops ? 'drop' : 'accept';
}

/** Every line stays where it is, so that what nft says of a line is true of the author's. */
function byLine(text: string, rows: readonly Row[], whole: boolean): Command[] {
  const table = whole ? '' : FORWARD;
  const commands = text
    .trimEnd()
    .split('\n')
    .map((line, index) => ({
      table,
      text: line.replace(/\r$/, ''),
      row: null,
      line: index,
      places: [] as Place[],
    }));
  for (const { row, text: said, line, column } of rows) {
    said.split('\n').forEach((_, within) => {
      commands[line + within]?.places.push({ row, line: within, column: within === 0 ? column : 0 });
    });
  }
  return commands;
}

/** More than go in one transaction have to be commands of their own. */
function oneByOne(rows: readonly Row[]): Command[] {
  return rows.map(({ row, text }) => ({
    table: FORWARD,
    text,
    row,
    places: text.split('\n').map((_, line) => ({ row, line, column: 0 })),
  }));
}

/**
 * Lines typed in a shell, `nft add rule …`, as nft gets them: blanks stand where `nft` and the shell's own quotes and
 * backslashes were, so everything stays in its place.
 */
function withoutShell(text: string): string {
  let plain = '';
  for (let at = 0; at < text.length;) {
    TYPED.lastIndex = at;
    const begin = TYPED.exec(text)?.[0] ?? '';
    const end = begin === '' ? lineEnd(text, at) : commandEnd(text, at);
    plain += begin === '' ? text.slice(at, end) : unquoted(text.slice(at, end), begin.length);
    at = end;
  }
  return plain;
}

function lineEnd(text: string, from: number): number {
  const at = text.indexOf('\n', from);
  return at < 0 ? text.length : at + 1;
}

/** A quoted part, a character with the backslash before it, or one by itself. */
const PIECE = /'[^']*'?|"(?:[^"\\]|\\[^])*"?|\\[^]?|[^]/y;

/** The end of a command that begins here: quotes may hold new lines, and a backslash takes one away. */
function commandEnd(text: string, from: number): number {
  PIECE.lastIndex = from;
  for (let piece = PIECE.exec(text)?.[0]; piece !== undefined; piece = PIECE.exec(text)?.[0]) {
    if (piece === '\n') return PIECE.lastIndex;
  }
  return text.length;
}

function unquoted(command: string, program: number): string {
  const plain = command
    .slice(program)
    .replace(
      /'([^']*)'?|"((?:[^"\\]|\\[^])*)"?|\\([^\n])/g,
      (all, single?: string, double?: string, one?: string) => {
        if (one !== undefined) return ` ${one}`;
        const inner = single ?? (double ?? '').replace(/\\(["\\$`])/g, ' $1');
        return ` ${inner}${' '.repeat(all.length - inner.length - 1)}`;
      },
    );
  return ' '.repeat(program) + plain;
}
