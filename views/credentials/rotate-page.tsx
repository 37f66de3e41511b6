import { Button, ButtonLink } from '../layout/button.tsx'
import { ChoiceList, type ChoiceOption } from '../layout/choice-list.tsx'
import { FocusedPage } from '../layout/focused-page.tsx'
import { Form } from '../layout/form.tsx'
import { Name } from '../layout/name.tsx'
import { TextArea } from '../layout/text-area.tsx'
import { usePage } from '../page-context.ts'
import { type Minted, type MintedFrame, mintedPath, useMintedWords } from './minted.tsx'

export interface RotatePageProps {
  frame: MintedFrame
  item: Pick<Minted, 'id' | 'name' | 'masked'>
  /** seconds that the old secret may still work, the usual one first */
  graces: number[]
  /** for what has no secret here but a public key: the new one */
  publicKey?: { value: string; error: string | undefined } | undefined
  formError?: string | undefined
}

/** A new secret for the same token: the one question is how long the old one stays good. */
export function RotatePage({ frame, item, graces, publicKey, formError }: RotatePageProps) {
  const words = useMintedWords(frame)
  const { layout, signingSecrets } = usePage().messages
  const options: ChoiceOption[] = [
    ...graces.map(seconds => ({
      value: String(seconds),
      label: words.graces(seconds),
      hint: words.graceHint(seconds),
    })),
    { value: 'immediately', label: words.immediately, hint: words.immediatelyHint },
  ]
  return (
    <FocusedPage
      title={words.rotateTitle(item.name)}
      heading={words.rotateHeading(<Name key="name">{item.name}</Name>)}
      lead={words.rotateLead}
      hasErrors={formError !== undefined || publicKey?.error !== undefined}
    >
      {formError ? (
        <p class="field-error" role="alert">
          {formError}
        </p>
      ) : null}
      <Form action={`${mintedPath(frame, item.id)}/rotate`}>
        {publicKey ? (
          <TextArea
            name="public_key"
            label={signingSecrets.newPublicKey}
            value={publicKey.value}
            error={publicKey.error}
            hint={signingSecrets.newPublicKeyHint}
            rows={4}
          />
        ) : null}
        <ChoiceList
          name="grace_seconds"
          legend={words.rotateWhen}
          value={String(graces[0])}
          options={options}
        />
        <div class="buttons buttons-equal">
          <Button>{words.rotate}</Button>
          <ButtonLink look="secondary" href={mintedPath(frame, item.id)}>
            {layout.cancel}
          </ButtonLink>
        </div>
      </Form>
    </FocusedPage>
  )
}
