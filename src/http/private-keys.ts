/**
 * What somebody types into a form is shown again when it is refused. A private key, pasted where the public one or a
 * certificate belongs, is not: it has been seen by too many already.
 */

/** PEM, or a JWK (RFC 7518, section 6: `d`, in a symmetric one `k`). */
const PRIVATE_KEY = /PRIVATE KEY-----|"[dk]"\s*:/

/** The same values with an empty text wherever a private key is. */
export function withoutPrivateKeys<Values extends object>(values: Values): Values {
  const shown = Object.entries(values).map(([name, value]) => [
    name,
    typeof value === 'string' && PRIVATE_KEY.test(value) ? '' : value,
  ])
  return Object.fromEntries(shown) as Values
}
