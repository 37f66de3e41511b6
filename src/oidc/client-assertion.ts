/** What we ask of a client's assertion (private_key_jwt, RFC 7523, section 3) beside what the library checks. */
import { errors, type KoaContextWithOIDC } from 'oidc-provider'

/** Seconds. Each assertion is remembered until it expires, so that it cannot be used twice. */
const LONGEST_LIFE = 3600

/** @throws errors.InvalidClientAuth when it would have to be remembered for longer than an hour */
export async function checkAssertion(
  _ctx: KoaContextWithOIDC,
  claims: Record<string, unknown>,
): Promise<void> {
  const { exp, jti } = claims
  if (typeof exp !== 'number' || exp > Date.now() / 1000 + LONGEST_LIFE)
    throw new errors.InvalidClientAuth(`exp must be at most ${LONGEST_LIFE} seconds ahead`)
  if (typeof jti !== 'string') throw new errors.InvalidClientAuth('jti must be a string')
}
