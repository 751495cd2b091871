import type { VNode } from 'preact';
import { ruleKey } from '../../verdict/facts';
import { cut } from '../escape';
import type { ReportRun } from '../for-report';
import { Chunks } from './chunks';
import { Badge, Scroll, Section } from './parts';
import { count, counted } from './words';

/** More rules than this do not all stand open. */
const MANY_RULES = 40;

type Row = ReportRun['rules'][number];

/** What the rules did in this run, each known by its row, and a policy by its text, for there may be several. */
interface Effect {
  /** those whose counter a finding rests on */
  readonly decided: ReadonlySet<number | string>;
  /** those whose packets go no further */
  readonly stops: ReadonlySet<number | string>;
}

/** The firewall's rules with their counters; those that a finding rests on stand out. */
export function RulesSection({ run }: { run: ReportRun }): VNode | null {
  const { rules } = run;
  if (rules.length === 0) return null;
  const effect = effectOf(run);
  const many = rules.length > MANY_RULES;
  const silent = many ? rules.filter((rule) => !matters(rule, effect)) : [];
  const shown = many ? rules.filter((rule) => matters(rule, effect)) : rules;
  return (
    <Section
      id="rules"
      title="Rules"
      note="What each row counted from the beginning of the run to its end. Highlighted are those that a finding rests on."
    >
      <Scroll label="Table: rules and their counters">
        <table>
          <caption class="unseen">Rules and their counters</caption>
          <thead>
            <Head />
          </thead>
          <tbody>
            {shown.map((rule) => (
              <RuleRow key={ruleKey({ row: rule.row, rule: rule.text })} rule={rule} effect={effect} />
            ))}
          </tbody>
        </table>
      </Scroll>
      {silent.length === 0 ? null : (
        <details>
          <summary>{counted(silent.length, 'row')} that counted nothing</summary>
          <Chunks
            rows={silent}
            what="Silent rows"
            head={<Head />}
            row={(rule) => <RuleRow rule={rule} effect={effect} />}
          />
        </details>
      )}
    </Section>
  );
}

function matters(rule: Row, { decided }: Effect): boolean {
  return (
    rule.packets > 0 || rule.row === 'policy' || decided.has(ruleKey({ row: rule.row, rule: rule.text }))
  );
}

function effectOf(run: ReportRun): Effect {
  const samples = run.events.filter((event) => event.kind === 'rule');
  const cited = new Set(
    [...run.diagnosis, ...run.expectations, ...run.claims].flatMap(({ events }) => events),
  );
  return {
    decided: new Set(samples.filter(({ id }) => cited.has(id)).map(ruleKey)),
    stops: new Set(samples.filter(({ stops }) => stops).map(ruleKey)),
  };
}

function Head(): VNode {
  return (
    <tr>
      <th scope="col">Row</th>
      <th scope="col" class="number">
        Packets
      </th>
      <th scope="col">Rule</th>
      <th scope="col" class="number">
        Bytes
      </th>
    </tr>
  );
}

function RuleRow({ rule, effect }: { rule: Row; effect: Effect }): VNode {
  const { row, text, packets, bytes, unmatchable } = rule;
  const key = ruleKey({ row, rule: text });
  const decided = effect.decided.has(key);
  const stopped = packets > 0 && effect.stops.has(key);
  return (
    <tr class={decided ? 'decided' : packets === 0 ? 'silent' : undefined}>
      <th scope="row">{row}</th>
      <td class="number">{count(packets)}</td>
      <td>
        <code>{cut(text, 600)}</code>
        {decided || stopped ? (
          <span class="effect">
            {decided ? <Badge tone={stopped ? 'bad' : 'good'}>decided</Badge> : null}{' '}
            {stopped ? <Badge tone="plain">stopped {counted(packets, 'packet')}</Badge> : null}
          </span>
        ) : null}
        {unmatchable ? <span class="effect">Matches no packet here: {unmatchable}.</span> : null}
      </td>
      <td class="number">{count(bytes)}</td>
    </tr>
  );
}
