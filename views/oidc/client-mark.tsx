import { localImage } from '../layout/safe-url.ts'

/** The client's logo where it is served from here, else the first letter of its name. */
export function ClientMark({ name, logoUri }: { name: string; logoUri?: string | undefined }) {
  const image = localImage(logoUri)
  if (image) return <img class="client-mark" src={image} alt="" width="48" height="48" />
  return (
    <span class="client-mark" aria-hidden="true">
      {firstLetter(name)}
    </span>
  )
}

function firstLetter(name: string): string {
  for (const { segment } of new Intl.Segmenter().segment(name)) {
    if (/[\p{L}\p{N}]/u.test(segment)) return segment.toUpperCase()
  }
  return '?'
}
