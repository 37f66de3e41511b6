import { ButtonLink } from '../layout/button.tsx'
import { FocusedPage } from '../layout/focused-page.tsx'
import { Name } from '../layout/name.tsx'
import { paths } from '../layout/paths.ts'
import { usePage } from '../page-context.ts'

export function SignedOutPage({ client }: { client?: { name: string } | undefined }) {
  const words = usePage().messages.signedOut
  return (
    <FocusedPage id="signed-out" title={words.title}>
      <p>
        {client
          ? words.client(
              <Name key="client" strong>
                {client.name}
              </Name>,
            )
          : words.lead}
      </p>
      <p class="buttons">
        <ButtonLink href={paths.signIn} look="secondary">
          {words.signIn}
        </ButtonLink>
      </p>
    </FocusedPage>
  )
}
