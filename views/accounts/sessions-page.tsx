import { Badge } from '../layout/badge.tsx'
import { Button, ButtonLink } from '../layout/button.tsx'
import { DetailsList } from '../layout/details-list.tsx'
import { EmptyState } from '../layout/empty-state.tsx'
import { Form } from '../layout/form.tsx'
import { Name } from '../layout/name.tsx'
import { paths } from '../layout/paths.ts'
import { Time } from '../layout/time.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'

export interface SessionItem {
  id: string
  current: boolean
  /** in words, e.g. `Firefox on Linux`; empty when unknown */
  userAgent: string
  address: string
  createdAt: Date
  lastSeenAt: Date
  expiresAt: Date
  /** names of the applications signed in through it */
  applications: string[]
}

export interface SessionsPageProps {
  sessions: SessionItem[]
  endAction: (id: string) => string
  endOthersAction: string
  signOutEverywhereAction: string
}

export function SessionsPage({
  sessions,
  endAction,
  endOthersAction,
  signOutEverywhereAction,
}: SessionsPageProps) {
  const { sessions: words, revoke } = usePage().messages
  return (
    <WidePage title={words.title} lead={words.lead} current="sessions">
      {sessions.length === 0 ? <EmptyState title={words.empty}>{words.emptyNote}</EmptyState> : null}
      <ul class="items">
        {sessions.map(session => (
          <Session key={session.id} session={session} action={endAction(session.id)} />
        ))}
      </ul>
      {sessions.some(session => !session.current) && sessions.length > 1 ? (
        <Form action={endOthersAction} class="below-items">
          <Button look="danger">{words.endOthers}</Button>
          <p class="hint">{words.endOthersNote}</p>
        </Form>
      ) : null}
      {sessions.length > 0 ? (
        <Form action={signOutEverywhereAction} class="below-items">
          <Button look="danger">{words.signOutEverywhere}</Button>
          <p class="hint">{words.signOutEverywhereNote}</p>
        </Form>
      ) : null}
      <div class="below-items">
        <ButtonLink look="danger" href={paths.revokeEverything}>
          {revoke.toEverything}
        </ButtonLink>
        <p class="hint">{revoke.everythingNote}</p>
      </div>
    </WidePage>
  )
}

function Session({ session, action }: { session: SessionItem; action: string }) {
  const words = usePage().messages.sessions
  const name = session.userAgent || words.unknownUserAgent
  return (
    <li class="card item">
      <div class="item-heading">
        <h2>
          <Name>{name}</Name>
        </h2>
        {session.current ? (
          <Badge tone="accent">{words.current}</Badge>
        ) : (
          <Form action={action} class="item-action">
            <Button look="secondary" compact>
              {words.end}
              <span class="visually-hidden">{words.endWhich(<Name key="name">{name}</Name>)}</span>
            </Button>
          </Form>
        )}
      </div>
      <DetailsList
        details={[
          { term: words.lastSeen, value: <Time value={session.lastSeenAt} /> },
          { term: words.address, value: <Name>{session.address}</Name> },
          { term: words.created, value: <Time value={session.createdAt} /> },
          { term: words.expires, value: <Time value={session.expiresAt} /> },
          session.applications.length > 0
            ? { term: words.applications, value: <Names names={session.applications} />, whole: true }
            : undefined,
        ]}
      />
    </li>
  )
}

function Names({ names }: { names: string[] }) {
  return (
    <ul class="names">
      {names.map(name => (
        <li key={name}>
          <Name>{name}</Name>
        </li>
      ))}
    </ul>
  )
}
