/**
 * `sid`: what one client calls one browser session (OpenID Connect Front-Channel Logout 1.0, section 3). Derived, not
 * stored: the session's document is rewritten whole by every tab, and a stored one would be lost among them. Two clients
 * cannot tell from theirs that it is the same session.
 */
import { createHash } from 'node:crypto'

export function sessionIdFor(sessionUid: string, clientId: string): string {
  return createHash('sha256').update(`${sessionUid} ${clientId}`).digest('base64url')
}
