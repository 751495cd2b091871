import type { VNode } from 'preact';
import { cut } from '../escape';
import type { ReportRun } from '../for-report';
import { EventLinks, Mark, Section, VerdictBadge } from './parts';

/** What the FAQ claims, beside what was seen of it. */
export function ClaimsSection({ claims }: { claims: ReportRun['claims'] }): VNode | null {
  if (claims.length === 0) return null;
  return (
    <Section id="claims" title="What the FAQ says, and what was seen">
      {claims.map((claim) => (
        <Claim key={claim.id} claim={claim} />
      ))}
    </Section>
  );
}

function Claim({ claim }: { claim: ReportRun['claims'][number] }): VNode {
  const { id, text, when, verdict, why, checks, events } = claim;
  return (
    <article class="faq">
      <div>
        <h3>
          {id} <VerdictBadge verdict={verdict} />
        </h3>
        <blockquote>
          <p>{cut(text, 600)}</p>
        </blockquote>
        {when === null ? null : <p class="note">When: {when}</p>}
      </div>
      <div>
        {checks.length === 0 ? (
          <p>{cut(why, 600)}</p>
        ) : (
          <ul class="checks">
            {checks.map((check) => (
              <li key={check.text}>
                <Mark held={check.held} />
                <div>
                  <strong>{cut(check.text)}</strong>
                  <span class="why">{cut(check.why, 600)}</span>
                </div>
              </li>
            ))}
          </ul>
        )}
        <EventLinks ids={events} />
      </div>
    </article>
  );
}
