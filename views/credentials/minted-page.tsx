import type { ComponentChildren } from 'preact'
import { ButtonLink } from '../layout/button.tsx'
import { DetailsList } from '../layout/details-list.tsx'
import { Name } from '../layout/name.tsx'
import { ScopeList } from '../layout/scope-list.tsx'
import { Time } from '../layout/time.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { Notice } from '../messages/notice.tsx'
import { isOver, type Minted, type MintedFrame, mintedPath, useMintedWords, useTrail } from './minted.tsx'
import { Expiry, LastUsed, StateBadge } from './minted-state.tsx'
import { UsageChart, type UsageOfDay } from './usage-chart.tsx'

export interface MintedPageProps {
  frame: MintedFrame
  item: Minted
  /** the last 30 days, oldest first */
  usage: UsageOfDay[]
  canChange: boolean
  /** out of quarantine */
  canRelease?: boolean | undefined
  /** it has no secret that could be another one */
  isFixed?: boolean | undefined
  /** what else there is to say of it */
  children?: ComponentChildren
}

/** One token or key: what it may do, how it is used, and the two ways on: another secret, or its end. */
export function MintedPage({
  frame,
  item,
  usage,
  canChange,
  canRelease,
  isFixed,
  children,
}: MintedPageProps) {
  const words = useMintedWords(frame)
  const here = mintedPath(frame, item.id)
  const actions =
    canChange && !isOver(item) ? (
      <>
        {canRelease && item.state === 'quarantined' ? (
          <ButtonLink look="secondary" href={`${here}/release`}>
            {words.release}
          </ButtonLink>
        ) : null}
        {isFixed ? null : (
          <ButtonLink look="secondary" href={`${here}/rotate`}>
            {words.rotate}
          </ButtonLink>
        )}
        <ButtonLink look="danger" href={`${here}/revoke`}>
          {words.revoke}
        </ButtonLink>
      </>
    ) : undefined
  return (
    <WidePage
      title={item.name}
      heading={<Name>{item.name}</Name>}
      lead={<code>{item.masked}</code>}
      current={frame.current}
      trail={useTrail(frame)}
      actions={actions}
    >
      <Notices frame={frame} item={item} />
      <section class="card" aria-labelledby="details">
        <h2 id="details">{words.details}</h2>
        <Details frame={frame} item={item} />
      </section>
      {children}
      <section aria-labelledby="usage">
        <h2 id="usage">{words.usage}</h2>
        <UsageChart days={usage} />
      </section>
      <section aria-labelledby="scopes">
        <h2 id="scopes">{words.scopes}</h2>
        <div class="card">
          <ScopeList groups={item.scopes} />
        </div>
      </section>
    </WidePage>
  )
}

function Notices({ frame, item }: { frame: MintedFrame; item: Minted }) {
  const words = useMintedWords(frame)
  const { state, pendingSince, retiring, leak } = item
  return (
    <>
      {leak ? (
        <Notice tone="danger">
          {words.leakNote[leak.how](<Time key="when" value={leak.at} />)}
          {leak.where ? <> {words.leakWhere(<Name key="where">{leak.where}</Name>)}</> : null}
          {isOver(item) || state === 'quarantined' ? null : <> {words.leakAdvice}</>}
        </Notice>
      ) : null}
      {state === 'quarantined' ? <Notice tone="warning">{words.quarantinedNote}</Notice> : null}
      {pendingSince && !isOver(item) ? (
        <Notice tone="info">{words.pendingNote(<Time key="when" value={pendingSince} />)}</Notice>
      ) : null}
      {retiring && !isOver(item) ? (
        <Notice tone="info">
          {words.retiringNote(
            <code key="last4">{retiring.last4}</code>,
            <Time key="when" value={retiring.until} />,
          )}
        </Notice>
      ) : null}
    </>
  )
}

function Details({ frame, item }: { frame: MintedFrame; item: Minted }) {
  const words = useMintedWords(frame)
  const { description, notBefore, revokedAt, allowedAddresses, rateLimit, binding } = item
  return (
    <DetailsList
      details={[
        { term: words.columns.status, value: <StateBadge state={item.state} /> },
        description ? { term: words.description, value: <Name>{description}</Name> } : undefined,
        { term: words.id, value: <code>{item.id}</code> },
        { term: words.environment, value: <code>{item.env}</code> },
        { term: words.created, value: <Time value={item.createdAt} /> },
        notBefore && { term: words.validFrom, value: <Time value={notBefore} /> },
        revokedAt
          ? { term: words.ended, value: <Time value={revokedAt} /> }
          : { term: words.columns.expires, value: <Expiry expiresAt={item.expiresAt} /> },
        { term: words.columns.lastUsed, value: <LastUsed lastUsed={item.lastUsed} /> },
        { term: words.addresses, value: <Addresses list={allowedAddresses} any={words.anyAddress} /> },
        {
          term: words.rateLimit,
          value: rateLimit ? words.rate(rateLimit.requests, rateLimit.seconds) : words.noRateLimit,
        },
        binding && { term: words.binding, value: <Binding frame={frame} {...binding} />, whole: true },
      ]}
    />
  )
}

function Addresses({ list, any }: { list: string[] | undefined; any: string }) {
  if (!list) return <>{any}</>
  return (
    <ul class="codes">
      {list.map(address => (
        <li key={address}>
          <code>{address}</code>
        </li>
      ))}
    </ul>
  )
}

function Binding({ frame, certificate, dpop }: { frame: MintedFrame } & NonNullable<Minted['binding']>) {
  const words = useMintedWords(frame)
  const code = (thumbprint: string) => <code key="thumbprint">{thumbprint}</code>
  return (
    <ul class="codes">
      {certificate === undefined ? null : <li>{words.certificate(code(certificate))}</li>}
      {dpop === undefined ? null : <li>{words.dpop(code(dpop))}</li>}
    </ul>
  )
}
