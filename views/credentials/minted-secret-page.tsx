import { ButtonLink } from '../layout/button.tsx'
import { SecretBox } from '../layout/secret-box.tsx'
import { WidePage } from '../layout/wide-page.tsx'
import { type Minted, type MintedFrame, mintedPath, useMintedWords, useTrail } from './minted.tsx'

export interface MintedSecretPageProps {
  frame: MintedFrame
  item: Pick<Minted, 'id' | 'name'>
  secret: string
  /** a command that uses it, where one can */
  example: string | undefined
  rotated: boolean
}

/** The answer to making or rotating one: the only time its secret is to be seen. */
export function MintedSecretPage({ frame, item, secret, example, rotated }: MintedSecretPageProps) {
  const words = useMintedWords(frame)
  return (
    <WidePage
      title={rotated ? words.rotatedTitle : words.createdTitle}
      lead={words.secretNote}
      current={frame.current}
      trail={useTrail(frame, item)}
    >
      <SecretBox label={item.name} secret={secret} example={example} exampleTitle={words.tryIt} />
      <p class="buttons">
        <ButtonLink look="secondary" href={rotated ? mintedPath(frame, item.id) : frame.base}>
          {words.done}
        </ButtonLink>
      </p>
    </WidePage>
  )
}
