/** One Apex test method as it came out. */
export interface ApexTest {
  readonly className: string
  readonly methodName: string
  readonly outcome: 'Pass' | 'Fail' | 'CompileFail' | 'Skip'
  readonly durationMs: number
  readonly message: string | null
  readonly stackTrace: string | null
}

export interface TestRun {
  readonly name: string
  readonly durationMs: number
  readonly tests: readonly ApexTest[]
}

/** A test run in the JUnit form that CI systems read. */
export function junitReport({ name, durationMs, tests }: TestRun): string {
  const failures = tests.filter(({ outcome }) => outcome === 'Fail' || outcome === 'CompileFail').length
  const skipped = tests.filter(({ outcome }) => outcome === 'Skip').length
  const counts = `tests="${tests.length}" failures="${failures}" errors="0" skipped="${skipped}" time="${seconds(durationMs)}"`
  const cases = tests.map(testCase).join('')
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites ${counts}>
  <testsuite name="${escaped(name)}" ${counts}>
${cases}  </testsuite>
</testsuites>
`
}

function testCase({ className, methodName, outcome, durationMs, message, stackTrace }: ApexTest): string {
  const head = `    <testcase classname="${escaped(className)}" name="${escaped(methodName)}" time="${seconds(durationMs)}"`
  if (outcome === 'Pass') return `${head}/>\n`
  if (outcome === 'Skip') return `${head}><skipped/></testcase>\n`
  const text = [message, stackTrace].filter(Boolean).join('\n')
  return `${head}>\n      <failure message="${escaped(message ?? '')}">${escaped(text)}</failure>\n    </testcase>\n`
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(3)
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\n': '&#10;',
}

/** Text in XML 1.0, which has no place for most control characters. */
function escaped(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML can't hold
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
      .replaceAll(/[&<>"\n]/g, (char) => entities[char] ?? char)
  )
}
