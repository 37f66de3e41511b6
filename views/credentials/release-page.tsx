import { ConfirmPage } from '../layout/confirm-page.tsx'
import { Name } from '../layout/name.tsx'
import { type Minted, type MintedFrame, mintedPath, useMintedWords } from './minted.tsx'

export function ReleasePage({ frame, item }: { frame: MintedFrame; item: Minted }) {
  const words = useMintedWords(frame)
  const here = mintedPath(frame, item.id)
  return (
    <ConfirmPage
      title={words.releaseTitle(item.name)}
      heading={words.releaseHeading(<Name key="name">{item.name}</Name>)}
      action={`${here}/release`}
      button={words.release}
      cancel={{ href: here, label: words.keepQuarantined }}
    >
      <p>
        <code>{item.masked}</code>
      </p>
      <p>{words.releaseNote}</p>
    </ConfirmPage>
  )
}
