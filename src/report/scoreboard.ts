import type { ClaimScore, Generation, Score } from '../verdict/scoreboard';
import type { ClaimVerdict } from '../verdict/run-result';
import { cut } from './escape';
import type { Printable } from './for-report';
import type { Style } from './style';

const NAMES: Readonly<Record<Generation, string>> = { 'linux-2.2': 'Linux 2.2', today: 'today' };
const COLUMN = 10;
const INDENT = 6 + 2 * COLUMN;
const WIDTH = 110;
/** Characters of a verdict's reason: it may name every scenario there is. */
const MOST = 4000;

/** All claims, a few lines each: both verdicts, the claim, and why. */
export function scoreboardReport(claims: Printable<readonly ClaimScore[]>, style: Style): string {
  const head = style.bold(
    `${'claim'.padEnd(6)}${NAMES['linux-2.2'].padEnd(COLUMN)}${NAMES.today.padEnd(COLUMN)}`,
  );
  return `${[head, ...claims.flatMap((claim) => row(claim, style)), '', ...totals(claims)].join('\n')}\n`;
}

/** One claim at length: what it says, and what was seen of it where. */
export function claimReport(claim: Printable<ClaimScore>, style: Style): string {
  const generations = (['linux-2.2', 'today'] as const).flatMap((generation) => {
    const score = claim.verdicts[generation];
    return [
      '',
      `  On ${NAMES[generation]}: ${verdictWord(score.verdict, style)}`,
      ...wrap(cut(score.why, MOST), WIDTH - 4).map((line) => `    ${line}`),
      ...score.shown.flatMap((showing) => describeShowing(showing, style)),
    ];
  });
  const era = claim.era === 'any' ? 'any firewall' : `Linux ${claim.era}`;
  return `${[`${style.bold(claim.id)} “${claim.text}”`, `  The FAQ says so of ${era}.`, ...generations].join('\n')}\n`;
}

function describeShowing(showing: Score['shown'][number], style: Style): string[] {
  const { scenario, title } = showing;
  const when = showing.when === null ? '' : ` (${showing.when})`;
  const checks = showing.checks.map(({ text, held, why }) => {
    const sign = held === true ? style.green('✔') : held === false ? style.red('✘') : style.yellow('?');
    return `      ${sign} ${cut(text)} ${style.dim(`— ${cut(why, 400)}`)}`;
  });
  return [
    '',
    `    ${style.bold(scenario)} — ${title}${when}: ${verdictWord(showing.verdict, style)}`,
    ...(showing.silent === null ? checks : [`      ${cut(showing.silent, 400)}`]),
    style.dim(`      npm run lab -- ${scenario}`),
  ];
}

function row({ id, text, verdicts }: ClaimScore, style: Style): string[] {
  const cell = (verdict: ClaimVerdict): string =>
    verdictWord(verdict, style) + ' '.repeat(Math.max(1, COLUMN - verdict.length));
  // What is untested needs no explanation beside what is not.
  const told = (['linux-2.2', 'today'] as const).filter(
    (generation, _, all) =>
      verdicts[generation].verdict !== 'untested' || all.every((one) => verdicts[one].verdict === 'untested'),
  );
  const why = told.map((generation) => cut(verdicts[generation].why, 600));
  const alike = new Set(why).size === 1;
  const lines = (alike ? why.slice(0, 1) : why).flatMap((sentence, index) =>
    wrap(`${alike ? '' : `${NAMES[told[index] ?? 'today']}: `}${sentence}`, WIDTH - INDENT),
  );
  return [
    `${style.bold(id.padEnd(6))}${cell(verdicts['linux-2.2'].verdict)}${cell(verdicts.today.verdict)}${text}`,
    ...lines.map((line) => style.dim(`${' '.repeat(INDENT)}${line}`)),
  ];
}

function totals(claims: readonly ClaimScore[]): string[] {
  return (['linux-2.2', 'today'] as const).map((generation) => {
    const count = (wanted: ClaimVerdict): string =>
      `${claims.filter(({ verdicts }) => verdicts[generation].verdict === wanted).length} ${wanted}`;
    const all = (['upheld', 'refuted', 'partly', 'untested'] as const).map(count).join(', ');
    return `${NAMES[generation].padEnd(COLUMN)} ${all}`;
  });
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function verdictWord(verdict: ClaimVerdict, style: Style): string {
  if (verdict === 'upheld') return style.green(verdict);
  if (verdict === 'untested') return style.dim(verdict);
  return verdict === 'refuted' ? style.red(verdict) : style.yellow(verdict);
}
