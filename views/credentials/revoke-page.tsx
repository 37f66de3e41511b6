import { ConfirmPage } from '../layout/confirm-page.tsx'
import { Name } from '../layout/name.tsx'
import { Time } from '../layout/time.tsx'
import { type Minted, type MintedFrame, mintedPath, useMintedWords } from './minted.tsx'

export function RevokePage({ frame, item }: { frame: MintedFrame; item: Minted }) {
  const words = useMintedWords(frame)
  const here = mintedPath(frame, item.id)
  return (
    <ConfirmPage
      title={words.revokeTitle(item.name)}
      heading={words.revokeHeading(<Name key="name">{item.name}</Name>)}
      action={`${here}/revoke`}
      button={words.revoke}
      cancel={{ href: here, label: words.keep }}
    >
      <p>
        <code>{item.masked}</code>
      </p>
      <p>
        {words.revokeNote(
          <Name key="name" strong>
            {item.name}
          </Name>,
        )}
      </p>
      <p>
        {item.lastUsed
          ? words.lastUsedNote(<Time key="when" value={item.lastUsed.at} />)
          : words.neverUsedNote}
      </p>
    </ConfirmPage>
  )
}
