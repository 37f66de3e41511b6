/**
 * A path on this origin: one slash, then neither a second one nor a backslash, which browsers read as
 * one.
 */
function isLocalPath(url: string): boolean {
  return /^\/(?![/\\])/.test(url)
}

/**
 * Pages load nothing from elsewhere: an image is a path on this origin or inline data, or it is not
 * shown.
 */
export function localImage(url: string | undefined): string | undefined {
  return url !== undefined && (isLocalPath(url) || /^data:image\//i.test(url)) ? url : undefined
}

/**
 * A link leads to a path here or to a web address; anything that could run as script becomes the home
 * page.
 */
export function safeHref(url: string): string {
  return isLocalPath(url) || /^https?:\/\//i.test(url) ? url : '/'
}
