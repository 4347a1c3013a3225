const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' })
const mark = '…'

/**
 * As much of a text as takes at most `max` UTF-16 code units once `write` has written it, with a mark where it was cut.
 * Characters, also those of several code points, are kept whole or left out.
 */
export function fitText(text: string, max: number, write: (part: string) => string = (part) => part): string {
  if (text.length <= max) {
    const whole = write(text)
    if (whole.length <= max) return whole
  }
  let fitting = ''
  // Where this slice ends is too far for anything cut there to fit.
  for (const { segment } of graphemes.segment(text.slice(0, 2 * max))) {
    const piece = write(segment)
    if (fitting.length + piece.length > max - mark.length) break
    fitting += piece
  }
  return fitting + mark
}
