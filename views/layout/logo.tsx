import { usePage } from '../page-context.ts'
import { paths } from './paths.ts'
import { localImage } from './safe-url.ts'

/** A key that stands like an L: bow, shaft and two teeth. The same paths draw the icon of the tab. */
export const keyPath = 'M14.5 15.5v10M14.5 20.5h4.5M14.5 25.5h7.5'
export const keyBow = { cx: 14.5, cy: 10.75, r: 4.75 }

export function LogoMark() {
  return (
    <svg class="logo-mark" viewBox="0 0 32 32" width="32" height="32" aria-hidden="true" focusable="false">
      <rect class="logo-tile" width="32" height="32" rx="8" />
      <g class="logo-key" fill="none" stroke-width="2.5" stroke-linecap="round" stroke-linejoin="round">
        <circle {...keyBow} />
        <path d={keyPath} />
      </g>
    </svg>
  )
}

export function LogoLink() {
  const { logoUrl, messages } = usePage()
  const image = localImage(logoUrl)
  return (
    <a class="logo" href={paths.home} aria-label={messages.layout.home}>
      {image ? (
        <img class="logo-image" src={image} alt="" />
      ) : (
        <>
          <LogoMark />
          <span>{messages.product}</span>
        </>
      )}
    </a>
  )
}
