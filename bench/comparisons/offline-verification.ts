/**
 * `latchkey/verifier` with JWTs that it judges by itself, from the request to the identity: headers, signature, claims, scopes and
 * the bit in the status list. First sight: every token is new to it, and is remembered. Again: it has been seen before.
 * `crypto.verify` is the signature alone; fast-jwt checks the claims, and knows no status lists.
 */
import { verify } from 'node:crypto'
import { createVerifier as createFastJwt } from 'fast-jwt'
import { createVerifier, nodeRequest } from '../../src/verifier/verifier.ts'
import type { Comparison, Contender, Row } from './comparison.ts'
import {
  ALGORITHMS,
  type Algorithm,
  AUDIENCE,
  type IssuedTokens,
  issueTokens,
  TOKENS,
} from './issued-tokens.ts'

export const offlineVerification: Comparison = {
  name: 'offline verification in latchkey/verifier',
  async prepare() {
    const issued = new Map<Algorithm, IssuedTokens>()
    for (const alg of ALGORITHMS) issued.set(alg, await issueTokens(alg))
    return {
      rows: [...issued].flatMap(([alg, tokens]) => [firstSight(alg, tokens), again(alg, tokens)]),
      async close() {
        for (const tokens of issued.values()) await tokens.close()
      },
    }
  },
}

const REQUEST = ['Host', 'api.example.com', 'User-Agent', 'curl/8.5.0', 'Accept', '*/*', 'X-Request-Id', '0']

function firstSight(alg: Algorithm, issued: IssuedTokens): Row {
  const { publicKey, signatures } = issued
  const digest = alg === 'EdDSA' ? null : 'sha256'
  const asSent = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const
  const each = (isGood: (one: (typeof signatures)[number]) => boolean): Contender => ({
    work() {
      for (const one of signatures) if (!isGood(one)) throw new Error('a good signature is refused')
      return signatures.length
    },
  })
  return {
    workload: `${alg} JWT, first sight`,
    // Half of what comes by in a round is remembered at most, and forgotten before it comes again.
    ours: ours(issued, TOKENS / 2),
    references: {
      verify: each(({ signed, signature }) => verify(digest, signed, asSent, signature)),
      'verify, fastest form': each(({ signed, der }) => verify(digest, signed, publicKey, der)),
    },
    budgets: { verify: alg === 'ES256' ? 0.9 : undefined },
  }
}

function again(alg: Algorithm, issued: IssuedTokens): Row {
  const { issuer, publicKey, tokens } = issued
  const key = publicKey.export({ type: 'spki', format: 'pem' }).toString()
  const check = createFastJwt({
    key,
    cache: TOKENS * 2,
    allowedIss: issuer,
    allowedAud: AUDIENCE,
    checkTyp: 'at+jwt',
  })
  return {
    workload: `${alg} JWT, again`,
    ours: ours(issued, TOKENS * 4),
    references: {
      'fast-jwt, cached': {
        work() {
          for (const token of tokens)
            if (check(token).iss !== issuer) throw new Error('a good token is refused')
          return tokens.length
        },
      },
    },
    budgets: { 'fast-jwt, cached': 1 },
  }
}

function ours({ issuer, tokens }: IssuedTokens, mostRemembered: number): Contender {
  const verifier = createVerifier({ issuer, resource: AUDIENCE, requireStatus: true, mostRemembered })
  const wanted = { scopes: ['read:orders'] }
  const requests = tokens.map(token => ({
    method: 'GET',
    url: '/orders?page=2',
    rawHeaders: [...REQUEST, 'Authorization', `Bearer ${token}`],
  }))
  return {
    async work() {
      for (const request of requests) {
        const { kind } = await verifier.verify(nodeRequest(request), wanted)
        if (kind !== 'access-token') throw new Error('a good token is something else')
      }
      return requests.length
    },
  }
}
