/** The path below which a proxy serves this installation: that of `PUBLIC_URL` without a slash at its end; empty without one. */
export function publicPathOf(publicUrl: string | undefined): string {
  return publicUrl === undefined ? '' : new URL(publicUrl).pathname.replace(/\/$/, '')
}
