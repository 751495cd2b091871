import { toRanges } from '../agent/port-ranges';
import { NOTHING_LOADED } from '../firewall/effect';
import type { Observation, PacketEvent, RuleEvent } from '../observe/event';
import type { Plan } from '../plan/plan';
import type { ClaimChecks } from '../scenario';
import { CLAIMS } from '../scenario/claims';
import { attachingRows } from './causes/attachment';
import { check } from './checks';
import { controlExpiry } from './control-life';
import { diagnose, type Diagnosis } from './diagnosis';
import type { Finding } from './finding';
import {
  commandOf,
  type Facts,
  isInside,
  isWhole,
  otherLeg,
  type ProbeFacts,
  sortOut,
  transferBytes,
  type TransferFacts,
} from './facts';
import { unmatchable } from './unmatchable';
import { milliseconds, timeline } from './timeline';
import type { ClaimVerdict, Outcome, ProbeResult, RunResult, TransferResult } from './run-result';

/**
 * Judges a run from what was seen, and nothing else. Pure.
 *
 * @param failure why the lab itself failed; such a run proves nothing, whatever was seen
 */
export function judge(plan: Plan, observation: Observation, failure: string | null): RunResult {
  const facts = sortOut(plan, observation);
  const diagnosis = failure === null ? diagnose(facts) : [];
  const context = { facts, diagnoses: diagnosis };
  const expectations = (failure === null ? plan.expect : []).map((expectation) => {
    const { held, why, events } = check(expectation, context);
    return { text: expectation.text, held, why, events };
  });
  const unseenBy = expectations.some(({ held }) => held === null) ? incompleteRecord(observation) : null;
  if (unseenBy !== null) return judge(plan, observation, unseenBy);
  const claims = Object.entries(plan.claims).map(([id, claim]) => judgeClaim(id, claim, failure, context));
  const broken = expectations.filter(({ held }) => held !== true);
  const outcome: Outcome = failure !== null ? 'infra-error' : broken.length === 0 ? 'pass' : 'fail';
  const expiry = controlExpiry(facts);
  return {
    ...summary(plan, observation.kernel),
    topology: { ...topologyOf(plan), helper: helperOf(facts) },
    outcome,
    reason: failure ?? broken[0]?.text ?? null,
    durationSeconds: observation.duration,
    expectations: expectations.map((expectation) => ({ ...expectation, held: expectation.held === true })),
    claims,
    transfers: facts.transfers.map((of) => transferResult(facts, of)),
    probes: facts.probes.map(probeResult),
    control: {
      survived: expiry === undefined,
      expiredAtSeconds: expiry ? milliseconds(expiry.at * plan.timeScale) : null,
    },
    timeline: timeline(facts),
    rules: facts.rules.map((rule) => ruleResult(facts, rule)),
    helpers: observation.loaded.helpers,
    diagnosis,
    artifacts: { directory: null, captures: [] },
    captures: observation.captures.map(({ leg, packets, lost }) => ({ leg, packets, lost })),
    trace: observation.trace ?? null,
    events: observation.events,
  };
}

/** The helper as modules have it, or as the owner's rows attach it. */
function helperOf(facts: Facts): RunResult['topology']['helper'] {
  const { helper } = facts.plan.firewall;
  const rows = attachingRows(facts);
  if (helper.ports.length > 0 || rows.length === 0) return helper;
  const ports = rows.flatMap(
    ({ does }) => does.destinationPorts?.map(([port]) => port) ?? facts.plan.server.port,
  );
  return { ...helper, ports: [...new Set(ports)], openedBy: 'anybody', attach: 'rule' };
}

function ruleResult(
  { plan, loaded }: Facts,
  { row, rule, packets, bytes }: RuleEvent,
): RunResult['rules'][number] {
  const found = row === 'policy' ? undefined : loaded.get(row);
  const told = { row, text: rule, packets, bytes };
  if (!found) return { ...told, loaded: null, unmatchable: null };
  const { chain, hook, priority, does } = found;
  return {
    ...told,
    loaded: { chain, hook, priority, does },
    unmatchable: unmatchable(does.conditions, plan),
  };
}

/** Derives a claim's verdict from its checks; of a run that proves nothing, none. */
function judgeClaim(
  id: string,
  { when, checks }: ClaimChecks,
  failure: string | null,
  context: { facts: Facts; diagnoses: readonly Diagnosis[] },
): RunResult['claims'][number] {
  const about = { id, text: CLAIMS[id]?.text ?? '', when };
  if (failure !== null) return { ...about, verdict: 'untested', why: failure, checks: [], events: [] };
  const findings = checks.map((sentence) => ({ text: sentence.text, ...check(sentence, context) }));
  const word = { true: '', false: 'not: ', null: 'unknown: ' };
  return {
    ...about,
    verdict: claimVerdict(findings),
    why: findings.map(({ text, held, why }) => `${word[`${held}`]}${text} (${why})`).join('; '),
    checks: findings.map(({ text, held, why }) => ({ text, held, why })),
    events: [...new Set(findings.flatMap(({ events }) => events))],
  };
}

/** Why what was not seen may still have been there; null when the record is complete. */
function incompleteRecord({ captures, conntrackLost }: Observation): string | null {
  const capture = captures.find(({ lost }) => lost > 0);
  if (capture) return `the ${capture.leg} capture lost ${capture.lost} packets, and a check depends on them`;
  return conntrackLost > 0
    ? `${conntrackLost} conntrack events were lost, and a check depends on them`
    : null;
}

/** What a result says of the plan alone. */
function summary(
  plan: Plan,
  kernel: string,
): Pick<
  RunResult,
  | 'scenario'
  | 'title'
  | 'claim'
  | 'engine'
  | 'engineWhy'
  | 'kernel'
  | 'timeScale'
  | 'times'
  | 'virtualTime'
  | 'topology'
> {
  return {
    scenario: plan.scenario.name,
    title: plan.scenario.title,
    claim: plan.scenario.claim,
    engine: plan.engine,
    engineWhy: plan.engineWhy,
    kernel,
    timeScale: plan.timeScale,
    times: plan.times,
    virtualTime: false,
    topology: topologyOf(plan),
  };
}

/** The part of a plan that topology drawings need. */
export function topologyOf(plan: Plan): RunResult['topology'] {
  return {
    behind: plan.scenario.behind,
    hosts: plan.hosts,
    links: plan.links,
    client: plan.client.program,
    server: plan.server.program,
    nat: plan.firewall.nat,
    policy: plan.firewall.policy,
    helper: plan.firewall.helper,
    kind: plan.firewall.kind,
    product: plan.firewall.product,
    bridges: plan.bridges,
    forward: plan.firewall.forward,
  };
}

/** A run that broke off before anything was seen. */
export function unseen(plan: Plan, kernel: string, failure: string, seconds: number): RunResult {
  const nothing = {
    kernel,
    startedAt: 0,
    duration: seconds,
    events: [],
    captures: [],
    conntrackLost: 0,
    loaded: NOTHING_LOADED,
  };
  return judge(plan, nothing, failure);
}

/** A run that could not even be tried here; the reason names what is missing. */
export function skipped(plan: Plan, kernel: string, reason: string): RunResult {
  return { ...unseen(plan, kernel, reason, 0), outcome: 'skipped' };
}

/** Upheld when every check holds, refuted when none does; a check the evidence does not reach leaves it untested. */
function claimVerdict(findings: readonly Finding[]): ClaimVerdict {
  if (findings.some(({ held }) => held === null)) return 'untested';
  const held = findings.filter((finding) => finding.held).length;
  return held === findings.length ? 'upheld' : held === 0 ? 'refuted' : 'partly';
}

function transferResult(facts: Facts, of: TransferFacts): TransferResult {
  const { bytes, expected } = transferBytes(of);
  const { name, mode, direction } = of.transfer;
  return {
    name,
    mode,
    direction,
    command: commandOf(of),
    bytes,
    expectedBytes: expected,
    complete: isWhole(of),
    finalReply: of.finalReply ? Number(of.finalReply.line.slice(0, 3)) : null,
    seconds: of.begin && of.end ? Math.round((of.end.at - of.begin.at) * 1e6) / 1e6 : 0,
    error: of.end?.error ?? null,
    data: dataResult(facts, of),
  };
}

function probeResult({ probe, from }: ProbeFacts): ProbeResult {
  const { name, to, flags } = probe;
  return {
    ...{ name, from: probe.from, to, flags },
    exposure: from.map(({ sourcePort, sent, far }) => ({
      sourcePort,
      sent: toRanges(sent),
      arrived: toRanges(far),
    })),
  };
}

/** Who dialled, as the dialler's own leg shows it, and whether the SYN came out on the other. */
function dataResult(facts: Facts, of: TransferFacts): TransferResult['data'] {
  // Both legs may have seen it at the same moment of their clock.
  const comesIn = ({ leg, source }: PacketEvent): boolean =>
    leg === 'inside'
      ? isInside(facts.plan, source)
      : !isInside(facts.plan, source) && source !== facts.plan.firewall.addresses.outside;
  const [first] = [...of.syns.inside, ...of.syns.outside].sort(
    (a, b) => a.at - b.at || Number(comesIn(b)) - Number(comesIn(a)),
  );
  if (!first) return null;
  return {
    dialledBy: first.leg === facts.legOf.client ? 'client' : 'server',
    sourcePort: first.sourcePort,
    destinationPort: first.destinationPort,
    reached: of.syns[otherLeg(first.leg)].length > 0,
  };
}
