import type { VNode } from 'preact';
import type { RunResult } from '../../verdict/run-result';
import { printable } from '../escape';
import { EventLinks, Mark, Section, VerdictBadge } from './parts';

/** What the FAQ claims, beside what was seen of it. */
export function ClaimsSection({ claims }: { claims: RunResult['claims'] }): VNode | null {
  if (claims.length === 0) return null;
  return (
    <Section id="claims" title="What the FAQ says, and what was seen">
      {claims.map((claim) => (
        <Claim key={claim.id} claim={claim} />
      ))}
    </Section>
  );
}

function Claim({ claim }: { claim: RunResult['claims'][number] }): VNode {
  const { id, text, when, verdict, why, checks, events } = claim;
  return (
    <article class="faq">
      <div>
        <h3>
          {printable(id)} <VerdictBadge verdict={verdict} />
        </h3>
        <blockquote>
          <p>{printable(text, 600)}</p>
        </blockquote>
        {when === null ? null : <p class="note">When: {printable(when)}</p>}
      </div>
      <div>
        {checks.length === 0 ? (
          <p>{printable(why, 600)}</p>
        ) : (
          <ul class="checks">
            {checks.map((check) => (
              <li key={check.text}>
                <Mark held={check.held} />
                <div>
                  <strong>{printable(check.text)}</strong>
                  <span class="why">{printable(check.why, 600)}</span>
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
