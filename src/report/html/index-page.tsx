import type { VNode } from 'preact';
import type { ClaimVerdict } from '../../verdict/run-result';
import { cut } from '../escape';
import type { ReportRun } from '../for-report';
import { htmlDocument } from './document';
import { facetOptions, Filters } from './filters';
import { Badge, OUTCOMES, Scroll, VerdictBadge } from './parts';
import { count, counted } from './words';

const COLUMNS: readonly (readonly [title: string, kind?: string])[] = [
  ['Outcome'],
  ['Scenario'],
  ['Held', 'number'],
  ['FAQ'],
  ['Engine'],
  ['Seconds', 'number'],
];

/**
 * Many runs as one HTML page: a row each, with filters by outcome, claim and text.
 *
 * @param hrefOf the relative URL of a run's own page, as seen from this one; null when it has none
 */
export function htmlIndex(runs: readonly ReportRun[], hrefOf: (run: ReportRun) => string | null): string {
  const claims = [...new Set(runs.flatMap((run) => run.claims.map(({ id }) => id)))].sort();
  const body = (
    <>
      <a class="skip" href="#main">
        Skip to the runs
      </a>
      <header class="head">
        <h1>{counted(runs.length, 'run')} of the FTP firewall lab</h1>
        <p class="outcome">{totals(runs)}</p>
      </header>
      <main id="main" tabIndex={-1}>
        <Filters
          label="Filter the runs"
          of="runs"
          facets={[
            {
              key: 'outcome',
              title: 'Outcome',
              options: facetOptions(
                runs.map(({ outcome }) => outcome),
                (outcome) => OUTCOMES[outcome].word,
              ),
            },
          ]}
          choice={{ key: 'claims', title: 'FAQ claim', any: 'any', options: claims }}
        />
        <Scroll label="Table: runs">
          <table id="runs" class="runs">
            <caption class="unseen">Runs</caption>
            <thead>
              <tr>
                {COLUMNS.map(([title, kind]) => (
                  <th key={title} scope="col" class={kind}>
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {runs.map((run, index) => (
                <RunRow key={index} run={run} href={hrefOf(run)} />
              ))}
            </tbody>
          </table>
        </Scroll>
      </main>
      <footer>
        <p>Drawn by ftp-firewall-lab from the runs’ results alone.</p>
      </footer>
    </>
  );
  return htmlDocument(`${counted(runs.length, 'run')} of the FTP firewall lab`, body);
}

function totals(runs: readonly ReportRun[]): VNode[] {
  return (Object.keys(OUTCOMES) as ReportRun['outcome'][]).flatMap((outcome) => {
    const amount = runs.filter((run) => run.outcome === outcome).length;
    const { word, tone } = OUTCOMES[outcome];
    return amount === 0
      ? []
      : [
          <span key={outcome} class="total">
            <Badge tone={tone}>{word}</Badge> {count(amount)}
          </span>,
        ];
  });
}

function RunRow({ run, href }: { run: ReportRun; href: string | null }): VNode {
  const { word, tone } = OUTCOMES[run.outcome];
  const held = run.expectations.filter((expectation) => expectation.held).length;
  const causes = [...new Set(run.diagnosis.map(({ code }) => code))].slice(0, 5);
  return (
    <tr data-row data-outcome={run.outcome} data-claims={run.claims.map(({ id }) => id).join(' ')}>
      <td>
        <Badge tone={tone}>{word}</Badge>
      </td>
      <th scope="row">
        {/* After ./ nothing can be a scheme: a file may be called javascript:… */}
        {href === null ? run.scenario : <a href={`./${href}`}>{run.scenario}</a>}
        <span class="title">{run.title}</span>
        {run.outcome === 'pass' || run.reason === null ? null : <span class="why">{cut(run.reason)}</span>}
        {causes.length === 0 ? null : <span class="why">blocked: {cut(causes.join(', '))}</span>}
      </th>
      <td class="number">
        {run.expectations.length === 0 ? '—' : `${count(held)} of ${count(run.expectations.length)}`}
      </td>
      <td>
        <Verdicts claims={run.claims} />
      </td>
      <td>{run.engine}</td>
      <td class="number">{run.durationSeconds.toFixed(2)}</td>
    </tr>
  );
}

/** Claims by their verdicts: "upheld C01, C02". */
function Verdicts({ claims }: { claims: ReportRun['claims'] }): VNode {
  const verdicts: readonly ClaimVerdict[] = ['upheld', 'partly', 'refuted', 'untested'];
  return (
    <ul class="verdicts">
      {verdicts.flatMap((verdict) => {
        const ids = claims.filter((claim) => claim.verdict === verdict).map(({ id }) => cut(id, 20));
        return ids.length === 0
          ? []
          : [
              <li key={verdict}>
                <VerdictBadge verdict={verdict} /> {ids.join(', ')}
              </li>,
            ];
      })}
    </ul>
  );
}
