import { ButtonLink } from '../layout/button.tsx'
import { DetailsList } from '../layout/details-list.tsx'
import { Name } from '../layout/name.tsx'
import { paths } from '../layout/paths.ts'
import { WidePage } from '../layout/wide-page.tsx'
import { usePage } from '../page-context.ts'

export interface HomePageProps {
  issuer: string
  /** `member`: of an organization, so that there are clients and resources to look after */
  signedIn?: { name: string; member: boolean; admin: boolean } | undefined
  signUpOpen: boolean
  /** absolute addresses, shown as they are */
  protocolLinks: { discovery: string; jwks: string; api: string }
}

/** What this server is, the way in, and where a developer's software finds the rest. */
export function HomePage({ issuer, signedIn, signUpOpen, protocolLinks }: HomePageProps) {
  const { messages } = usePage()
  const words = messages.home
  return (
    <WidePage title={words.title} lead={words.lead}>
      <div class="home-entry">
        {signedIn ? (
          <>
            <p>
              {words.signedIn(
                <Name key="name" strong>
                  {signedIn.name}
                </Name>,
              )}
            </p>
            <p class="buttons">
              <ButtonLink href={paths.account}>{words.account}</ButtonLink>
            </p>
          </>
        ) : (
          <p class="buttons">
            <ButtonLink href={paths.signIn}>{words.signIn}</ButtonLink>
            {signUpOpen ? (
              <ButtonLink href={paths.signUp} look="secondary">
                {words.signUp}
              </ButtonLink>
            ) : null}
          </p>
        )}
      </div>
      <section class="card" aria-labelledby="developers">
        <h2 id="developers">{words.developers}</h2>
        <DetailsList
          details={[
            { term: words.issuer, value: <code>{issuer}</code> },
            { term: words.discovery, value: <Endpoint href={protocolLinks.discovery} /> },
            { term: words.jwks, value: <Endpoint href={protocolLinks.jwks} /> },
            { term: words.api, value: <Endpoint href={protocolLinks.api} /> },
          ]}
        />
        {signedIn ? <DeveloperLinks manages={signedIn.member || signedIn.admin} /> : null}
      </section>
    </WidePage>
  )
}

function DeveloperLinks({ manages }: { manages: boolean }) {
  const { tokens, clients, resources } = usePage().messages
  const links = [{ href: paths.tokens as string, label: tokens.title }]
  if (manages)
    links.push(
      { href: paths.clients, label: clients.title },
      { href: paths.resources, label: resources.title },
    )
  return (
    <p class="buttons">
      {links.map(({ href, label }) => (
        <ButtonLink key={href} look="secondary" compact href={href}>
          {label}
        </ButtonLink>
      ))}
    </p>
  )
}

function Endpoint({ href }: { href: string }) {
  return (
    <a href={href}>
      <code>{href}</code>
    </a>
  )
}
