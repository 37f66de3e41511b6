/** What a public RSA key of somebody else may have: with more, each signature would be a long time's work for us. */

export const RSA_BITS = { least: 2048, most: 8192 } as const
export const RSA_EXPONENT_BELOW = 2n ** 33n
