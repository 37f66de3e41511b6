/** How long things live, in seconds. Access tokens: their resource decides. */
const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

export const LIFETIME = {
  authorizationCode: MINUTE,
  deviceCode: 10 * MINUTE,
  idToken: HOUR,
  /** Access tokens that only open /userinfo. */
  opaqueAccessToken: 15 * MINUTE,
  interaction: HOUR,
  refreshTokenIdle: 30 * DAY,
  refreshTokenAbsolute: 90 * DAY,
  sessionIdle: 14 * DAY,
  sessionAbsolute: 90 * DAY,
} as const

/**
 * Seconds that a session lives from now on when nothing uses it.
 * @param signedInAt seconds since 1970; undefined for a session nobody has signed in to
 */
export function sessionLifetime(signedInAt: number | undefined): number {
  if (signedInAt === undefined) return LIFETIME.interaction
  const age = Math.floor(Date.now() / 1000) - signedInAt
  return Math.max(1, Math.min(LIFETIME.sessionIdle, LIFETIME.sessionAbsolute - age))
}
