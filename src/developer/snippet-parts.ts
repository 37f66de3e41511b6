/** What several snippets have in common. */
import type { ShownClient } from '../clients/client-list.ts'

export interface Registered {
  readonly issuer: string
  readonly client: ShownClient
  /** Shown this once; undefined for a client that has none. */
  readonly secret?: string | undefined
}

/** In single quotes, for JavaScript. */
export const quoted = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`

/** The first resource of the ceiling: a token is for one. */
export const resourceOf = ({ ceiling }: ShownClient): string | undefined => [...ceiling.keys()][0]

export const scopeOf = ({ ceiling }: ShownClient) => ['openid', ...([...ceiling.values()][0] ?? [])].join(' ')

/** Parameters of a request, as lines of an object literal. */
export function authorizationParameters(client: ShownClient): string {
  const resource = resourceOf(client)
  const lines = [`  scope: ${quoted(scopeOf(client))},`]
  if (resource !== undefined) lines.push(`  resource: ${quoted(resource)},`)
  return lines.join('\n')
}

/** Libraries refuse plain http unless told. */
export const insecure = (issuer: string, text: string) => (issuer.startsWith('http:') ? text : '')
