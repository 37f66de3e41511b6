import { DetailsList } from '../layout/details-list.tsx'
import { usePage } from '../page-context.ts'

export interface AboutSigningSecretProps {
  algorithm: 'hmac-sha256' | 'ed25519'
  /** public keys, `x` of their JWKs: the one that counts, and one that has not been used yet */
  current: string | undefined
  pending: string | undefined
}

/** How requests are signed with it. */
export function AboutSigningSecret({ algorithm, current, pending }: AboutSigningSecretProps) {
  const words = usePage().messages.signingSecrets
  const jwk = (x: string) => <code>{JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x })}</code>
  return (
    <section class="card" aria-labelledby="about-signing-secret">
      <h2 id="about-signing-secret">{words.about}</h2>
      <DetailsList
        details={[
          { term: words.algorithm, value: words.algorithms[algorithm].name, whole: true },
          current === undefined ? undefined : { term: words.publicKey, value: jwk(current), whole: true },
          pending === undefined
            ? undefined
            : { term: words.pendingPublicKey, value: jwk(pending), whole: true },
        ]}
      />
    </section>
  )
}
