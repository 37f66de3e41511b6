import { Badge, type BadgeTone } from '../layout/badge.tsx'
import { Name } from '../layout/name.tsx'
import { Time } from '../layout/time.tsx'
import { usePage } from '../page-context.ts'
import type { Minted, MintedState } from './minted.tsx'

const TONES: Record<MintedState, BadgeTone> = {
  active: 'success',
  pending: 'accent',
  notYet: 'neutral',
  expired: 'danger',
  quarantined: 'warning',
  revoked: 'danger',
}

export function StateBadge({ state }: { state: MintedState }) {
  const { status } = usePage().messages.tokens
  return <Badge tone={TONES[state]}>{status[state]}</Badge>
}

const SOON = 7 * 86_400_000

/** When it ends, in colour and in words. */
export function Expiry({ expiresAt }: { expiresAt: Date | undefined }) {
  const { messages, now } = usePage()
  const words = messages.tokens
  if (!expiresAt) return <span>{words.neverExpires}</span>
  const time = <Time key="time" value={expiresAt} />
  const left = expiresAt.getTime() - now.getTime()
  if (left <= 0) return <span class="tone-danger">{words.expired(time)}</span>
  if (left < SOON) return <span class="tone-warning">{words.expiresSoon(time)}</span>
  return time
}

/** When it was used last, and from where. */
export function LastUsed({ lastUsed }: Pick<Minted, 'lastUsed'>) {
  const words = usePage().messages.tokens
  if (!lastUsed) return <span class="hint">{words.neverUsed}</span>
  const { at, address, userAgent } = lastUsed
  return (
    <span class="last-used">
      <Time value={at} />
      {address ? <span> {words.from(<code key="address">{address}</code>)}</span> : null}
      {userAgent ? (
        <span class="hint">
          <Name>{userAgent}</Name>
        </span>
      ) : null}
    </span>
  )
}
