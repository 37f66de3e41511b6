/**
 * Everything served at `/assets/<name>`. All are files in this folder but `theme.css`, which theme.ts
 * writes.
 */
export const assetNames = ['theme.css', 'latchkey.css', 'copy.js', 'times.js'] as const

export type AssetName = (typeof assetNames)[number]
