/** The list: every kind of credential that this server takes. A new one is a file beside this and a line here. */
import { type AccessTokenDeps, accessToken } from './access-token.ts'
import { apiKey, type MintedKindDeps } from './api-key.ts'
import { clientCertificate } from './client-certificate.ts'
import { type ClientSecretDeps, clientSecret } from './client-secret.ts'
import type { CredentialKind } from './kind.ts'
import { personalAccessToken } from './personal-access-token.ts'
import { type SessionDeps, session } from './session.ts'
import { type SigningSecretKindDeps, signingSecret } from './signing-secret.ts'
import type { ClientCredentialKindDeps } from './verify-client-credential.ts'

export type CredentialKindsDeps = AccessTokenDeps &
  MintedKindDeps &
  ClientCredentialKindDeps &
  ClientSecretDeps &
  SigningSecretKindDeps &
  SessionDeps

export function credentialKinds(deps: CredentialKindsDeps): readonly CredentialKind[] {
  return [
    accessToken(deps),
    apiKey(deps),
    personalAccessToken(deps),
    clientSecret(deps),
    signingSecret(deps),
    clientCertificate(deps),
    session(deps),
  ]
}
