import { useMintedWords } from './minted.tsx'
import { NewCredentialForm, type NewCredentialProps } from './new-credential-form.tsx'

/** A personal access token, or an API key. */
export function NewMintedPage(props: NewCredentialProps) {
  return <NewCredentialForm {...props} environmentHint={useMintedWords(props.frame).form.environmentHint} />
}
