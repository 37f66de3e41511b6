import { ChoiceList } from '../layout/choice-list.tsx'
import { TextArea } from '../layout/text-area.tsx'
import { usePage } from '../page-context.ts'
import type { MintedValues } from './minted.tsx'
import { NewCredentialForm, type NewCredentialProps } from './new-credential-form.tsx'

/** As typed, under the names of the fields. */
export interface SigningSecretValues extends MintedValues {
  algorithm: 'hmac-sha256' | 'ed25519'
  /** PEM or a JWK */
  public_key: string
}

/** A secret that is made here and shown once, or the public half of a key that the client keeps. */
export function NewSigningSecretPage(props: NewCredentialProps<SigningSecretValues>) {
  const { values } = props
  const { signingSecrets: words } = usePage().messages
  return (
    <NewCredentialForm
      {...props}
      environmentHint={words.signedEnvironmentHint}
      isKey
      ownLabels={{ public_key: words.publicKey }}
    >
      {field => (
        <div class="signature">
          <ChoiceList
            name="algorithm"
            legend={words.which}
            value={values.algorithm}
            options={(['hmac-sha256', 'ed25519'] as const).map(value => ({
              value,
              label: words.algorithms[value].name,
              hint: words.algorithms[value].hint,
            }))}
          />
          <div class="signature-key">
            <TextArea
              name="public_key"
              value={values.public_key}
              rows={4}
              hint={words.publicKeyHint}
              required={false}
              {...field('public_key')}
            />
          </div>
        </div>
      )}
    </NewCredentialForm>
  )
}
