import { createHash } from 'node:crypto';
import type { ComponentChildren } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { cut } from '../escape';
import { SCRIPT } from './script';
import { STYLE } from './style';

/**
 * A whole page in one string. Its policy lets nothing in from anywhere, and no script or style run but
 * the page's own, known by their hashes (CSP Level 3 §2.3.1): markup that got past the escaping would
 * stay without effect.
 *
 * @param drawings trusted SVG embedded in the page, whose own style elements have to be allowed too
 */
export function htmlDocument(
  title: string,
  body: ComponentChildren,
  drawings: readonly string[] = [],
): string {
  const styles = [STYLE, ...drawings.flatMap(stylesOf)];
  const policy = [
    "default-src 'none'",
    `script-src ${hashSource(SCRIPT)}`,
    `style-src ${[...new Set(styles.map(hashSource))].join(' ')}`,
    // Browsers ask a server for an icon unless the page brings one.
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ');
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content={policy} />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>{cut(title)}</title>
        <link rel="icon" href="data:," />
        <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      </head>
      <body>
        {body}
        <script dangerouslySetInnerHTML={{ __html: SCRIPT }} />
      </body>
    </html>
  );
  return `<!doctype html>\n${renderToString(page)}\n`;
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}

/** The text of an SVG's style elements as an HTML parser reads it: inside SVG, references are resolved. */
function stylesOf(svg: string): string[] {
  return [...svg.matchAll(/<style\b[^>]*>([^]*?)<\/style>/g)].map(([, text = '']) =>
    text
      .replace(/^\s*<!\[CDATA\[([^]*?)\]\]>\s*$/, '$1')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&quot;', '"')
      .replaceAll('&#39;', "'")
      .replaceAll('&amp;', '&'),
  );
}
