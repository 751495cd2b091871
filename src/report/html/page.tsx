import type { VNode } from 'preact';
import type { ReportRun } from '../for-report';
import { PLAIN } from '../style';
import { timeStrip } from '../time-strip';
import { ladderSvg } from '../ladder';
import { ClaimsSection } from './claims';
import { DiagnosisSection } from './diagnosis';
import { DialogueSection } from './dialogue';
import { htmlDocument } from './document';
import { ProbesSection, TransfersSection } from './done';
import { EvidenceSection } from './evidence';
import { Scroll, Section } from './parts';
import { RulesSection } from './rules';
import { ExpectationsSection, Head } from './summary';
import { TimelineSection } from './timeline';
import { TimersSection } from './timers';
import { TopologyFigure } from './topology-figure';

/** The table of contents: anchors, titles, and whether a run has that part. */
const CONTENTS: readonly (readonly [string, string, (run: ReportRun) => boolean])[] = [
  ['expectations', 'Expected', ({ expectations }) => expectations.length > 0],
  ['cause', 'Cause', ({ diagnosis }) => diagnosis.length > 0],
  ['topology', 'Topology', () => true],
  ['ladder', 'Ladder', ({ events }) => events.length > 0],
  ['timers', 'Timers', (run) => timeStrip(run, PLAIN).length > 0],
  ['dialogue', 'Dialogue', ({ events }) => events.some(({ kind }) => kind === 'ftp-line')],
  ['rules', 'Rules', ({ rules }) => rules.length > 0],
  ['transfers', 'Transfers', ({ transfers }) => transfers.length > 0],
  ['probes', 'Exposure', ({ probes }) => probes.length > 0],
  ['claims', 'FAQ', ({ claims }) => claims.length > 0],
  ['timeline', 'Timeline', ({ events }) => events.length > 0],
  ['evidence', 'Evidence', () => true],
];

/** A drawing larger than this shows nothing to anybody, and only a hostile result makes one. */
const MAX_DRAWING = 2_000_000;

/**
 * One run as one HTML page that needs nothing else: no file beside it, no network. Drawn from the result
 * alone; whatever peers sent is bounded and made visible.
 */
export function htmlReport(run: ReportRun): string {
  const ladder = run.events.length === 0 ? '' : drawing(ladderSvg(run));
  const body = (
    <>
      <a class="skip" href="#main">
        Skip to the report
      </a>
      <Head run={run} />
      <Contents run={run} />
      <main id="main" tabIndex={-1}>
        <ExpectationsSection run={run} />
        <DiagnosisSection run={run} />
        <Section id="topology" title="Topology">
          <TopologyFigure topology={run.topology} />
        </Section>
        {ladder === '' ? null : <LadderSection svg={ladder} />}
        <TimersSection run={run} />
        <DialogueSection run={run} />
        <RulesSection run={run} />
        <TransfersSection transfers={run.transfers} />
        <ProbesSection probes={run.probes} />
        <ClaimsSection claims={run.claims} />
        <TimelineSection events={run.events} />
        <EvidenceSection run={run} />
      </main>
      <footer>
        <p>Drawn by ftp-firewall-lab from the run’s result alone.</p>
      </footer>
    </>
  );
  return htmlDocument(`${run.scenario} — ${run.title}`, body, [ladder]);
}

/** A drawing as the page may hold it. */
function drawing(svg: string): string {
  return svg.length > MAX_DRAWING ? '<p>The ladder of this run is too large to be shown here.</p>' : svg;
}

function Contents({ run }: { run: ReportRun }): VNode {
  return (
    <nav aria-label="Parts of the report">
      <ul>
        {CONTENTS.filter(([, , has]) => has(run)).map(([id, title]) => (
          <li key={id}>
            <a href={`#${id}`}>{title}</a>
          </li>
        ))}
      </ul>
    </nav>
  );
}

function LadderSection({ svg }: { svg: string }): VNode {
  return (
    <Section id="ladder" title="Ladder">
      <Scroll label="Ladder diagram">
        <div class="drawing" dangerouslySetInnerHTML={{ __html: svg }} />
      </Scroll>
    </Section>
  );
}
