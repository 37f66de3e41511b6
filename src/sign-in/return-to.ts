const LONGEST = 4096

/**
 * Where to go after signing in: a path of this server (with query and fragment), or undefined. Anything a browser could
 * read as another origin is refused: `//host`, `/\host`, and control characters, which browsers drop while they parse.
 */
export function localPath(wanted: string | undefined, issuer: string): string | undefined {
  if (wanted === undefined || wanted.length > LONGEST || !wanted.isWellFormed()) return undefined
  if (!/^\/(?!\/)/.test(wanted) || /[\p{Cc}\\]/u.test(wanted)) return undefined
  const url = URL.parse(wanted, issuer)
  if (!url || url.origin !== issuer) return undefined
  const path = `${url.pathname}${url.search}${url.hash}`
  // `/.//host` has become `//host`.
  return path.startsWith('//') ? undefined : path
}
