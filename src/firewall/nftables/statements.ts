/** A statement of nft text, as its author wrote it. Lines and columns from 0. */
export interface Statement {
  readonly text: string;
  readonly line: number;
  readonly column: number;
  /** what it stands in: nothing, or the innermost of tables and chains */
  readonly within: 'top' | 'table' | 'chain';
}

/** Objects whose braces hold statements of their own; all others are one statement with what is in their braces. */
const BLOCK = /^(?:(?:add|create)\s+)?(table|chain)\b/;

/**
 * The statements of nft text: where each begins and ends, and nothing else of the grammar, which is nft's. They end
 * at a new line or `;` outside of braces and quotes (scanner.l and parser_bison.y, `stmt_separator`).
 *
 * @param within what the text as a whole stands in
 */
export function statements(text: string, within: Statement['within'] = 'top'): Statement[] {
  return new Splitter(text, within).split();
}

class Splitter {
  private readonly found: Statement[] = [];
  private readonly blocks: Statement['within'][] = [];
  private at = 0;
  private line = 0;
  private lineStart = 0;
  /** where the statement being read begins; null between two */
  private begin: { readonly at: number; readonly line: number; readonly column: number } | null = null;
  /** where it ends, as far as it has been read: comments and blanks behind it are none of it */
  private said = 0;
  /** braces open within it */
  private depth = 0;

  constructor(
    private readonly text: string,
    private readonly outside: Statement['within'],
  ) {}

  split(): Statement[] {
    while (this.at < this.text.length) this.step(this.text[this.at] ?? '');
    this.end();
    return this.found;
  }

  private step(character: string): void {
    if (character === '"')
      this.begun()
        .skip(/"[^"\n]*"?/y)
        .note();
    else if (character === '#') this.skip(/#[^\n]*/y);
    else if (character === '\\' && /^\\\r?\n/.test(this.text.slice(this.at, this.at + 3)))
      this.continueLine();
    else if (character === '\n') this.newLine();
    else if (character === ';' && this.depth === 0) this.end().advance();
    else if (character === '{') this.open();
    else if (character === '}') this.close();
    else if (/\s/.test(character)) this.advance();
    else this.begun().advance().note();
  }

  private advance(): this {
    this.at += 1;
    return this;
  }

  private note(): void {
    this.said = this.at;
  }

  private begun(): this {
    this.begin ??= { at: this.at, line: this.line, column: this.at - this.lineStart };
    return this;
  }

  /** Past a quoted text or a comment, neither of which goes beyond its line. */
  private skip(what: RegExp): this {
    what.lastIndex = this.at;
    this.at += what.exec(this.text)?.[0].length ?? 1;
    return this;
  }

  private continueLine(): void {
    this.at = this.text.indexOf('\n', this.at);
    this.countLine();
  }

  private newLine(): void {
    if (this.depth === 0) this.end();
    this.countLine();
  }

  private countLine(): void {
    this.at += 1;
    this.line += 1;
    this.lineStart = this.at;
  }

  private open(): void {
    const said = this.begin ? this.text.slice(this.begin.at, this.at) : '';
    const block = this.depth === 0 ? BLOCK.exec(said)?.[1] : undefined;
    if (block === 'table' || block === 'chain') {
      this.end();
      this.blocks.push(block);
      this.advance();
    } else {
      this.depth += 1;
      this.begun().advance().note();
    }
  }

  private close(): void {
    if (this.depth > 0) {
      this.depth -= 1;
      this.advance().note();
    } else {
      this.end();
      this.blocks.pop();
      this.advance();
    }
  }

  private end(): this {
    if (this.begin) {
      const { line, column, at } = this.begin;
      const text = this.text.slice(at, this.said);
      this.found.push({ text, line, column, within: this.blocks.at(-1) ?? this.outside });
    }
    this.begin = null;
    this.depth = 0;
    return this;
  }
}
