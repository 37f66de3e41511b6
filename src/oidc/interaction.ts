/** An authorization request that waits for a person: found by its cookie, answered once. */
import { errors, type Interaction, type InteractionResults, type Provider } from 'oidc-provider'
import type { BrowserSession } from '../accounts/browser-session.ts'
import type { Client } from '../clients/client.ts'
import type { ClientDirectory } from '../clients/client-directory.ts'
import type { Context } from '../http/context.ts'
import { Problem } from '../http/problem.ts'
import { hasActed } from './self-registered.tsx'

const expired = (detail: string) =>
  new Problem(
    400,
    'interaction_expired',
    'This sign-in has expired or was already used. Go back to the application and start again.',
    detail,
  )

export interface Waiting {
  readonly interaction: Interaction
  readonly client: Client
  /** Validated by the library before anybody was asked. */
  readonly redirectUri: string
}

/** @throws Problem 400 when there is none for this browser, or its client is gone */
export async function getInteraction(
  ctx: Context,
  uid: string | undefined,
  { provider, clients }: { provider: Provider; clients: ClientDirectory },
): Promise<Waiting> {
  const interaction = await provider.interactionDetails(ctx.req, ctx.res).catch((error: unknown) => {
    if (error instanceof errors.SessionNotFound) throw expired(error.error_description ?? error.message)
    throw error
  })
  if (interaction.uid !== uid) throw expired('the cookie is of another interaction')
  const { client_id: clientId, redirect_uri: redirectUri } = interaction.params
  const client = typeof clientId === 'string' ? await clients.find(clientId) : undefined
  if (!client || client.disabled || typeof redirectUri !== 'string') throw expired('the client is gone')
  // The library has looked when the request came; the client may have given the address up while the person was asked.
  if (!(await provider.Client.find(client.clientId))?.redirectUriAllowed(redirectUri))
    throw expired('the redirect URI is not registered any more')
  return { interaction, client, redirectUri }
}

/**
 * The session that has signed in for this request, or undefined when the person must (still, or again) sign in. A
 * request that only lacked a session is content with one that began meanwhile, in another tab for instance; one that
 * asked for a new sign-in gets it here.
 */
export function signedInFor(
  interaction: Interaction,
  session: BrowserSession | undefined,
): BrowserSession | undefined {
  if (!session) return undefined
  if (interaction.prompt.name !== 'login')
    return interaction.session?.accountId === session.accountId ? session : undefined
  const { login } = interaction.result ?? {}
  const onlyNeedsSession = interaction.prompt.reasons.every(reason => reason === 'no_session')
  return login?.accountId === session.accountId || onlyNeedsSession ? session : undefined
}

const epochSeconds = (date: Date) => Math.floor(date.getTime() / 1000)

const withSession = (interaction: Interaction, session: BrowserSession) => ({
  session: {
    accountId: session.accountId,
    uid: session.uid,
    cookie: '',
    amr: session.amr,
    ...(session.acr !== undefined && { acr: session.acr }),
  },
  result: {
    ...interaction.result,
    ...(interaction.prompt.name === 'login' && {
      login: {
        accountId: session.accountId,
        ts: epochSeconds(session.signedInAt),
        amr: session.amr,
        ...(session.acr !== undefined && { acr: session.acr }),
      },
    }),
  } satisfies InteractionResults,
})

/** Remembers that the person has signed in, for the next page of the same request. */
export async function recordSignIn(interaction: Interaction, session: BrowserSession): Promise<void> {
  Object.assign(interaction, withSession(interaction, session))
  await interaction.persist()
}

/** Stores the answer and sends the browser on, with 303. */
export async function finish(
  ctx: Context,
  interaction: Interaction,
  answer: { session: BrowserSession; grantId: string } | { error: 'access_denied'; description: string },
): Promise<void> {
  if ('error' in answer)
    interaction.result = {
      error: answer.error,
      error_description: answer.description,
      acted: hasActed(interaction),
    }
  else {
    Object.assign(interaction, withSession(interaction, answer.session))
    interaction.result = {
      ...interaction.lastSubmission,
      ...interaction.result,
      consent: { grantId: answer.grantId },
    }
  }
  await interaction.persist()
  ctx.status = 303
  ctx.redirect(interaction.returnTo)
}
