/** Keys of one client in the declarative file that do not go together: every client's rules, and the file's own secret. */
import { clientMistakes, keepsSecret } from '../clients/client-rules.ts'
import { formatPath, type Path } from '../http/field-errors.ts'
import type { Item } from '../http/unknown-value.ts'
import { OPENID_SCOPES } from '../oidc/access.ts'
import type { Mistake } from './file-mistakes.ts'

export function fileClientMistakes(client: Item, at: Path): Mistake[] {
  return [...secretMistakes(client, [...at, 'client_secret']), ...clientMistakes(client, at, OPENID_SCOPES)]
}

function secretMistakes(client: Item, at: Path): Mistake[] {
  const path = formatPath(at)
  const hasSecret = client.client_secret !== undefined
  if (!keepsSecret(client) && hasSecret)
    return [
      {
        path,
        message: `cannot be used with token_endpoint_auth_method ${client.token_endpoint_auth_method}: remove one of them`,
      },
    ]
  if (keepsSecret(client) && !hasSecret)
    return [
      {
        path,
        message:
          'is missing: give one, or set token_endpoint_auth_method to none for a public client, or to private_key_jwt, tls_client_auth or self_signed_tls_client_auth for one with a key or a certificate',
      },
    ]
  return []
}
