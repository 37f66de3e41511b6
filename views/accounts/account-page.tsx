import { Badge } from '../layout/badge.tsx'
import { DetailsList } from '../layout/details-list.tsx'
import { Name } from '../layout/name.tsx'
import { paths } from '../layout/paths.ts'
import { Time } from '../layout/time.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'

export interface Profile {
  name: string
  username: string
  email?: string | undefined
  emailVerified?: boolean | undefined
  createdAt?: Date | undefined
  lastSignInAt?: Date | undefined
}

export interface AccountPageProps {
  profile: Profile
  counts: { sessions: number; applications: number }
}

export function AccountPage({ profile, counts }: AccountPageProps) {
  const { account: words, tokens } = usePage().messages
  return (
    <WidePage title={words.title} current="account">
      <section class="card" aria-labelledby="profile">
        <h2 id="profile">{words.profile}</h2>
        <ProfileDetails profile={profile} />
      </section>
      <section aria-labelledby="access">
        <h2 id="access">{words.access}</h2>
        <ul class="tiles">
          <li class="card tile">
            <a href={paths.sessions}>{words.sessions(counts.sessions)}</a>
            <p class="hint">{words.sessionsLead}</p>
          </li>
          <li class="card tile">
            <a href={paths.applications}>{words.applications(counts.applications)}</a>
            <p class="hint">{words.applicationsLead}</p>
          </li>
          <li class="card tile">
            <a href={paths.tokens}>{tokens.title}</a>
            <p class="hint">{tokens.lead}</p>
          </li>
        </ul>
      </section>
    </WidePage>
  )
}

function ProfileDetails({ profile }: { profile: Profile }) {
  const { account: words, fields } = usePage().messages
  const { createdAt, lastSignInAt } = profile
  return (
    <DetailsList
      details={[
        { term: fields.name, value: <Name>{profile.name}</Name> },
        { term: fields.username, value: <Name>{profile.username}</Name> },
        { term: fields.email, value: <Email profile={profile} /> },
        createdAt && { term: words.created, value: <Time value={createdAt} /> },
        lastSignInAt && { term: words.lastSignIn, value: <Time value={lastSignInAt} /> },
      ]}
    />
  )
}

function Email({ profile: { email, emailVerified } }: { profile: Profile }) {
  const words = usePage().messages.account
  if (!email) return <span class="hint">{words.noEmail}</span>
  return (
    <>
      <Name>{email}</Name>{' '}
      {emailVerified ? (
        <Badge tone="success">{words.verified}</Badge>
      ) : (
        <Badge tone="warning">{words.unverified}</Badge>
      )}
    </>
  )
}
