import type { Expectation } from '../scenario';
import type { Diagnosis } from './diagnosis';
import type { Facts } from './facts';
import { unknown, type Finding } from './finding';
import { checkProbe, type ProbeCheckName } from './probe-checks';
import { SESSION_CHECKS, type SessionCheckName } from './session-checks';
import { TRANSFER_CHECKS, type TransferCheckName } from './transfer-checks';

/** Makes the expectation's check on what was seen. Pure. */
export function check(
  expectation: Expectation,
  { facts, diagnoses }: { facts: Facts; diagnoses: readonly Diagnosis[] },
): Finding {
  const context = { facts, diagnoses, asked: expectation };
  const { transfer, probe } = expectation;
  if (probe !== null) {
    const probed = facts.probes.find((candidate) => candidate.probe.name === probe);
    return probed
      ? checkProbe(expectation.check as ProbeCheckName, probed, context)
      : unknown(`${probe} was not sent`);
  }
  if (transfer === null) return SESSION_CHECKS[expectation.check as SessionCheckName](context);
  const of = facts.transfers.find((candidate) => candidate.transfer.name === transfer);
  if (!of?.begin) return unknown(`${transfer} was never begun`);
  return TRANSFER_CHECKS[expectation.check as TransferCheckName](of, context);
}
